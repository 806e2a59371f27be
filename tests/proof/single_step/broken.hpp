// For controls: which of the faults in the headers is switched on; see controls.toml. Needs nothing of rouse, as it
// comes before its headers.
#pragma once

namespace step {

inline int broken = -1;

} // namespace step
