// Where rouse's port finds what it needs of QEMU's board "virt".
#pragma once

#include <cstdint>

namespace board {

/// Of the first hart: the machine timer, and the software interrupt.
inline constexpr std::uintptr_t mtime = 0x200bff8, mtimecmp = 0x2004000, msip = 0x2000000;
inline constexpr std::uint32_t mtime_hertz = 10'000'000;

} // namespace board
