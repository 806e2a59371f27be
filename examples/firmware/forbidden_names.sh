# What no firmware image may have, as names that the linker knows, for grep -E: malloc and its kin, operator new and delete,
# exceptions and unwinding, RTTI, guards of statics, libatomic, streams, stdio, abort, 64-bit division. Sourced; sets
# $forbidden.
forbidden='^(_?(malloc|free|calloc|realloc)(_r)?|_sbrk(_r)?|_Zn[wa].*|_Zd[la].*|__cxa_.*|_Unwind_.*|__gxx_personality.*'
forbidden+='|__aeabi_unwind_cpp.*|_ZT[IS].*|_ZSt[0-9]+__throw.*|__atomic_.*|__sync_.*|_ZNSo.*|_ZNSi.*|_ZSt4c(out|err|in)'
forbidden+='|_ZNSt8ios_base.*|f?printf|f?puts|fwrite|abort|__aeabi_u?ldivmod|__u?(div|mod)di3)$'
