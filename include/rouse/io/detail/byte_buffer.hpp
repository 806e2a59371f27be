// ByteBuffer: a queue of bytes, appended at the back and consumed at the front.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Holds bytes between the system and a stream. Not synchronised. Appending and consuming cost amortised O(1) per byte.
/// An empty buffer keeps at most a page of memory, so that ten thousand idle connections cost little.
class ByteBuffer {
public:
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - begin_; }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    /// The bytes; valid until the buffer is changed.
    [[nodiscard]] std::string_view view() const noexcept { return std::string_view{bytes_}.substr(begin_); }

    void append(std::string_view bytes) {
        if (begin_ > bytes_.size() / 2) {
            bytes_.erase(0, begin_);
            begin_ = 0;
        }
        bytes_.append(bytes);
    }

    /// Removes the first `count` bytes; there must be as many.
    void consume(std::size_t count) noexcept {
        begin_ += count;
        if (begin_ == bytes_.size()) clear();
    }

    /// Removes and returns the first `count` bytes, or all if there are fewer.
    [[nodiscard]] std::string take(std::size_t count) {
        if (begin_ == 0 && count >= bytes_.size() && bytes_.size() > kept) return std::exchange(bytes_, {});
        count = (std::min)(count, size());
        std::string taken{view().substr(0, count)};
        consume(count);
        return taken;
    }

    void clear() noexcept {
        begin_ = 0;
        bytes_.clear();
        if (bytes_.capacity() > kept) std::string{}.swap(bytes_);
    }

private:
    static constexpr std::size_t kept = 4096;

    std::string bytes_;
    std::size_t begin_ = 0; // the bytes before it have been consumed
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
