// OneShot: brings one answer from any context to a task.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/frame_alignment.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/unwinding.hpp>
#include <rouse/core/error.hpp>
#include <rouse/threadsafe/thread_safe_flag.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// One answer that any context gives and a task waits for: what a callback, an interrupt or another thread reports when
/// it has finished. T may be move-only.
///
///     OneShot<Reply> answer;
///     begin_request([sender = answer.sender()](Reply reply) mutable { sender.set(std::move(reply)); });
///     Reply reply = co_await answer.get();
///
/// `sender()` hands out the Sender, which is move-only and travels to the context that answers. Its `set()`, and its
/// destructor, may be called from any context: a task of any loop, a thread, another core, a signal handler, an
/// interrupt; only one context at a time may use it. Everything else, except `is_set()`, is for one loop, whose tasks
/// wait one at a time; a second one gets a UsageError.
///
/// A sender sets one value at most; later values are refused and stay with the caller. A sender that is destroyed
/// without a value ends the wait with an AbandonedError, so the task cannot wait for ever for an answer that will not
/// come. Whatever the sender's context wrote before is visible after the wait. A cancelled or timed-out wait leaves the
/// answer where it is, for the next `get()`. Once the last sender has set its value or has been destroyed, `sender()`
/// may hand out the next one; an answer that no task has taken is discarded then.
///
/// The OneShot must outlive its sender until that has set the value or is destroyed: destroying it earlier panics.
/// A task that may be cancelled while it waits must therefore keep it in a place that outlives the request (in the
/// driver, or a static one), or end the request before its scope ends. It must also outlive the task that waits.
///
/// It takes the value, the two words of a ThreadSafeFlag and one more. Nothing is allocated. It can be `constinit`.
/// `set()` costs the construction of the value, one exchange, and a push to the loop's inbox if a task waits.
//
// The flag `answered_` publishes the answer: the sender writes `storage_` and `content_`, then sets the flag, and
// touches nothing after that. Each round of a OneShot sets the flag from the sender's side once, and the loop sets it
// again when a wait has consumed it, so it stays set until sender() begins the next round:
//
//                         sender(): content_ = dropped, clears the flag
//              .-----------------------------------------------------------------------.
//              v                                                                       |
//     no sender, or  --set(v): content_ = value, sets the flag-->  answered  --get()-->  answered
//     one that is live --~Sender: sets the flag----------------->  (value, dropped)      (taken)
//
// The owner of `storage_` and `content_` is the sender while it is live (`lent_`, and the flag is clear), and the loop
// otherwise. The release in ThreadSafeFlag::set() and the acquires in the wait and in is_set() hand them over.
template <class T>
class OneShot {
    class Getter;
    class GetAwaiter;
    class NextAwaiter;

    static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                  "rouse: OneShot: the value must be an object that is not const; send a pointer, or a Nothing");
    static_assert(detail::aligned_in_frame<T>,
                  "rouse: OneShot: the value needs a stricter alignment than the coroutine frames have in which tasks "
                  "keep it; send a pointer to it");

public:
    using value_type = T; ///< The type of the value.
    class Sender;

    constexpr OneShot() noexcept = default;
    OneShot(const OneShot&) = delete;
    OneShot& operator=(const OneShot&) = delete;

    /// Discards an answer that no task has taken. Panics if the sender is live, because that would answer into freed
    /// memory. A waiting task that has not been woken stays suspended until cancelled.
    ~OneShot() {
        if (live()) {
            ROUSE_PANIC(
                "rouse: ~OneShot: its sender is live and would answer into freed memory; destroy the sender or let it "
                "answer first, or keep the OneShot in a place that outlives the request");
        }
        discard();
    }

    /// Hands out the sender of the next answer. Discards an answer that no task has taken. Raises a UsageError while
    /// the last sender is live, or while a task has been woken for its answer and has not resumed. Only on the loop.
    [[nodiscard]] Sender sender() {
        if (lent_) {
            if (live())
                detail::misuse(
                    "rouse: OneShot::sender: the last sender is live; only one at a time may answer: use a OneShot for "
                    "each request");
            if (answered_.wait().another_waits())
                detail::misuse(
                    "rouse: OneShot::sender: a task waits for the last answer and has not resumed yet; hand out the "
                    "next sender after it has");
            discard();
        }
        content_ = Content::dropped;
        answered_.clear();
        lent_ = true;
        return Sender{*this};
    }

    /// Whether get() would return or throw at once. May be called from any context, but another may change the answer
    /// at once.
    [[nodiscard]] bool is_set() const noexcept { return answered_.is_set(); }

    /// `co_await one_shot.get()` waits for the answer and takes it. Throws AbandonedError if the sender was destroyed
    /// without one. Without exceptions that is a panic: use next() instead. A UsageError if another task waits, or the
    /// answer has been taken already.
    [[nodiscard]] GetAwaiter get() noexcept { return GetAwaiter{*this}; }

    /// `auto answer = co_await one_shot.next()` is get() without the exception: the result is empty if the sender was
    /// destroyed without an answer.
    [[nodiscard]] NextAwaiter next() noexcept { return NextAwaiter{*this}; }

private:
    enum class Content : std::uint8_t { dropped, value, taken };

    // The value, which exists while content_ is `value`.
    union Storage {
        constexpr Storage() noexcept : none{} {}
        ~Storage() {}
        char none;
        T value;
    };

    // Loop side: whether the sender has neither answered nor been destroyed.
    [[nodiscard]] bool live() const noexcept { return lent_ && !answered_.is_set(); }

    // Loop side, while the sender is not live.
    void discard() noexcept {
        if (content_ != Content::value) return;
        std::destroy_at(std::addressof(storage_.value));
        content_ = Content::taken;
    }

    // Loop side: moves the value into the result, which must exist. If that throws, the value stays.
    template <class Result>
    Result take() {
        struct Guard {
            OneShot& shot;
            [[no_unique_address]] detail::Unwinding<!std::is_nothrow_move_constructible_v<T>> move_has_thrown{};
            ~Guard() {
                if (!move_has_thrown()) shot.discard();
            }
        };
        const Guard guard{*this};
        return Result(std::move(storage_.value));
    }

    ThreadSafeFlag answered_; // set by the sender once, after it has written the two below; cleared by sender()
    Storage storage_;         // the sender's while it is live, then the loop's
    Content content_ = Content::dropped; // as storage_
    bool lent_ = false;                  // a sender has been handed out; the loop's
};

/// The end of a OneShot that answers: sets one value, once. Move-only. An empty one, default-constructed or moved from,
/// refuses every value.
template <class T>
class OneShot<T>::Sender {
public:
    /// An empty sender, to be assigned to: a static one for an interrupt, for example.
    // Not defaulted: `sender = {}` would first clear it, which unoptimised code does by a call of memset.
    constexpr Sender() noexcept {}
    /// Takes over what the other is for, and leaves that empty.
    Sender(Sender&& other) noexcept : shot_{std::exchange(other.shot_, nullptr)} {}
    /// Drops what this sender was for, as the destructor does, and takes over the other.
    Sender& operator=(Sender&& other) noexcept {
        // The old one is dropped at the end of the scope.
        const Sender old{std::exchange(shot_, std::exchange(other.shot_, nullptr))};
        return *this;
    }
    /// If it is live, ends the wait with an AbandonedError. May be called from any context.
    ~Sender() {
        if (shot_ != nullptr) shot_->answered_.set();
    }

    /// Sets the answer and wakes the waiting task. Returns false, and leaves `value` untouched, if this sender has set
    /// one already or is empty. May be called from any context. Touches neither the OneShot nor the sender after waking
    /// the task, which may therefore destroy them or hand out the next sender at once. If constructing the value
    /// throws, the sender stays live.
    template <class U = T>
        requires std::is_constructible_v<T, U&&>
    bool set(U&& value) noexcept(std::is_nothrow_constructible_v<T, U&&>) {
        if (shot_ == nullptr) return false;
        ::new (static_cast<void*>(std::addressof(shot_->storage_.value))) T(std::forward<U>(value));
        shot_->content_ = Content::value;
        std::exchange(shot_, nullptr)->answered_.set();
        return true;
    }

    /// Whether it is live: neither empty nor used up.
    explicit operator bool() const noexcept { return shot_ != nullptr; }

private:
    friend OneShot;
    explicit Sender(OneShot& shot) noexcept : shot_{std::addressof(shot)} {}
    explicit Sender(OneShot* shot) noexcept : shot_{shot} {}

    OneShot* shot_ = nullptr; // null once it has answered
};

/// @cond internal
// What get() and next() have in common: a wait for the flag.
template <class T>
class OneShot<T>::Getter {
public:
    explicit Getter(OneShot& shot) noexcept : shot_{std::addressof(shot)}, wait_{shot.answered_.wait()} {}
    Getter(Getter&& other) noexcept : Getter{*other.shot_} {} // only before it is awaited

    bool await_ready() const {
        if (wait_.another_waits())
            detail::misuse(
                "rouse: OneShot::get: another task waits; only one can take the answer: give each task its own "
                "OneShot");
        return wait_.await_ready();
    }
    void await_suspend(std::coroutine_handle<> frame) { wait_.await_suspend(frame); }

protected:
    ~Getter() = default;

    // Called on resumption: returns whether there is an answer; false if the sender has been dropped.
    bool resumed() {
        wait_.await_resume();
        if (wait_.flag_is_gone())
            detail::misuse(
                "rouse: OneShot::get: the OneShot was destroyed after it had woken this task; it must outlive the task "
                "that waits");
        shot_->answered_.set(); // the wait has consumed it
        if (shot_->content_ == Content::taken)
            detail::misuse(
                "rouse: OneShot::get: the answer has been taken already; hand out the next sender, and wait for that");
        return shot_->content_ == Content::value;
    }

    [[nodiscard]] OneShot& shot() const noexcept { return *shot_; }

private:
    OneShot* shot_; // may have been destroyed: then the flag is gone
    decltype(std::declval<ThreadSafeFlag&>().wait()) wait_;
};

template <class T>
class OneShot<T>::GetAwaiter final : public Getter {
public:
    using Getter::Getter;

    T await_resume() {
        if (!this->resumed()) {
#if ROUSE_EXCEPTIONS
            throw AbandonedError{};
#else
            detail::misuse(
                "rouse: OneShot::get: the sender was destroyed without an answer; use next() where exceptions are "
                "off");
#endif
        }
        return this->shot().template take<T>();
    }
};

template <class T>
class OneShot<T>::NextAwaiter final : public Getter {
public:
    using Getter::Getter;

    std::optional<T> await_resume() {
        if (!this->resumed()) return std::nullopt;
        return this->shot().template take<std::optional<T>>();
    }
};

/// @endcond

} // namespace ROUSE_ABI
} // namespace rouse
