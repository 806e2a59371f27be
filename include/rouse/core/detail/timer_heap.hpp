// TimerHeap: running timers in a pairing heap, whose nodes stand in the waiting frames. Adding one is O(1), taking out
// the first or any other O(log n) amortised; nothing is allocated. Source: Fredman, Sedgewick, Sleator, Tarjan: "The
// pairing heap", Algorithmica 1 (1986), two-pass variant.
#pragma once

#include <cstdint>

#include <rouse/core/detail/timer.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class TimerHeap {
public:
    [[nodiscard]] bool empty() const noexcept { return root_ == nullptr; }

    /// When the first is due; there must be one.
    [[nodiscard]] TimePoint first_deadline() const noexcept { return root_->deadline; }

    void add(Timer& timer) noexcept {
        number(timer);
        insert(timer);
    }

    /// The two halves of add(): counts it among those that are set, and puts it in its place.
    void number(Timer& timer) noexcept { timer.order = next_order_++ & 0x1fff'ffffU; }
    void insert(Timer& timer) noexcept {
        timer.child = timer.sibling = nullptr;
        set_root(root_ == nullptr ? &timer : &merge(*root_, timer));
    }

    /// Takes a timer out, wherever it is; does nothing if it is in no heap.
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

    /// Takes out and returns the first if it is due; else null.
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
        // Right across the wrap of the counter.
        return static_cast<std::int32_t>((std::uint32_t{a.order} - std::uint32_t{b.order}) << 3) < 0;
    }

    // Both are roots: without siblings. The later one becomes the first child of the earlier one.
    static Timer& merge(Timer& a, Timer& b) noexcept {
        Timer& parent = earlier(a, b) ? a : b;
        Timer& child = &parent == &a ? b : a;
        child.before = &parent;
        child.sibling = parent.child;
        if (parent.child != nullptr) parent.child->before = &child;
        parent.child = &child;
        return parent;
    }

    // Two passes: merge in pairs from the left, then all pairs from the right. No recursion.
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
