// TimerHeap: the running timers of a loop in a pairing heap. Adding a timer takes O(1), removing the first or any other
// O(log n) amortised. The nodes are the timers themselves; nothing is allocated. Source: Fredman, Sedgewick, Sleator,
// Tarjan: "The pairing heap", Algorithmica 1 (1986), two-pass variant.
#pragma once

#include <cstdint>

#include <rouse/core/detail/timer.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// For the thread of the loop. Timers due at the same instant are taken in the order in which they were added.
class TimerHeap {
public:
    [[nodiscard]] bool empty() const noexcept { return root_ == nullptr; }

    /// The earliest deadline. The heap must not be empty.
    [[nodiscard]] TimePoint first_deadline() const noexcept { return root_->deadline; }

    void add(Timer& timer) noexcept {
        number(timer);
        insert(timer);
    }

    /// The two halves of add(): number() records the order of starting, insert() puts the timer into the heap.
    void number(Timer& timer) noexcept { timer.order = next_order_++ & 0x1fff'ffffU; }
    void insert(Timer& timer) noexcept {
        timer.child = timer.sibling = nullptr;
        set_root(root_ == nullptr ? &timer : &merge(*root_, timer));
    }

    /// Removes a timer. Does nothing if it is not running.
    void remove(Timer& timer) noexcept {
        if (timer.before == nullptr) return;
        if (&timer == root_) {
            set_root(merge_siblings(timer.child));
        } else {
            if (timer.before->child == &timer) {
                timer.before->child = timer.sibling;
            } else {
                timer.before->sibling = timer.sibling;
            }
            if (timer.sibling != nullptr) timer.sibling->before = timer.before;
            if (Timer* rest = merge_siblings(timer.child)) set_root(&merge(*root_, *rest));
        }
        timer.before = nullptr;
    }

    /// Removes and returns the first timer if it is due at `now`; returns null otherwise.
    Timer* take_due(TimePoint now) noexcept {
        Timer* first = root_;
        if (first == nullptr || first->deadline > now) return nullptr;
        remove(*first);
        return first;
    }

private:
    void set_root(Timer* root) noexcept {
        root_ = root;
        if (root != nullptr) root->before = root;
    }

    static bool earlier(const Timer& a, const Timer& b) noexcept {
        if (a.deadline != b.deadline) return a.deadline < b.deadline;
        // The order is 29 bits that wrap around: the sign of the difference, shifted to the top, decides.
        return static_cast<std::int32_t>((std::uint32_t{a.order} - std::uint32_t{b.order}) << 3) < 0;
    }

    // Both are roots, without siblings. The later one becomes the first child of the earlier one.
    static Timer& merge(Timer& a, Timer& b) noexcept {
        Timer& parent = earlier(a, b) ? a : b;
        Timer& child = &parent == &a ? b : a;
        child.before = &parent;
        child.sibling = parent.child;
        if (parent.child != nullptr) parent.child->before = &child;
        parent.child = &child;
        return parent;
    }

    // Two passes: merges the siblings in pairs from the left, then merges the pairs from the right. Not recursive.
    static Timer* merge_siblings(Timer* first) noexcept {
        Timer* pairs = nullptr; // linked by `sibling`, the last pair first
        while (first != nullptr) {
            Timer* a = first;
            Timer* b = a->sibling;
            first = b == nullptr ? nullptr : b->sibling;
            a->sibling = nullptr;
            if (b != nullptr) {
                b->sibling = nullptr;
                a = &merge(*a, *b);
            }
            a->sibling = pairs;
            pairs = a;
        }
        Timer* root = nullptr;
        while (pairs != nullptr) {
            Timer* next = pairs->sibling;
            pairs->sibling = nullptr;
            root = root == nullptr ? pairs : &merge(*root, *pairs);
            pairs = next;
        }
        return root;
    }

    Timer* root_ = nullptr;
    std::uint32_t next_order_ = 0;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
