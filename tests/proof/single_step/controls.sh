# Sourced by run.sh. Copies of the headers with one deliberate fault each: single_step must catch it, and says in which
# state, at how many of the instructions there, and how.

# control NAME PART HEADER SED: the fault, as a change to one header; the states of PART are to catch it
. "$root/tests/support/copy_with_fault.sh"
control() {
    local parts=$2
    if ! copy_with_fault "$3" "$4" >"$work/log"; then
        echo "$1: $(cat "$work/log")"
    elif ! build "$work/broken" "$work/include" "$compiler" -O1 2>"$work/log"; then
        echo "$1: does not build"
        head -20 "$work/log"
    elif ! timeout 60 "$work/broken" --expect-failure >"$work/log" 2>/dev/null; then
        echo "$1: NOT caught: $(tail -1 "$work/log")"
    else
        echo "$1: caught:"
        head -2 "$work/log" | sed -E 's/^ */    /; s/  +/, /2g; s/, ([0-9]+ boundaries)/, \1/'
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
}

echo "== controls"
control "fall_asleep: a load and a store" flag core/inbox.hpp \
    's/return word_\.compare_exchange_strong\(expected, asleep, .*/return word_.load(std::memory_order_relaxed) == expected \&\& (word_.store(asleep, std::memory_order_relaxed), true);/'
control "take: a load and a store" flag core/inbox.hpp \
    's/word = word_\.exchange\(0, std::memory_order_acquire\);/word = word_.load(std::memory_order_acquire); word_.store(0, std::memory_order_relaxed);/'
control "send: the wake is forgotten" flag core/inbox.hpp 's/if \(before == asleep\) port_\.wake\(\);//'
control "take: the next item is read when the item has arrived" event core/inbox.hpp \
    's/^( +)in_order = item->next_; .*/\1item->arrive();/; t; s/^( +)item->arrive\(\);$/\1in_order = item->next_;/'
control "flag: set() is a look and a store" flag threadsafe/thread_safe_flag.hpp \
    's/before = state_\.exchange\(is_set_word, .*/before = state_.load(std::memory_order_acquire); if (before == is_set_word) return; state_.store(is_set_word, std::memory_order_release);/'
control "flag: a wait registers by a store" flag threadsafe/thread_safe_flag.hpp \
    's/if \(!flag_->state_\.compare_exchange_strong\(expected,$/if (flag_->state_.store(reinterpret_cast<std::uintptr_t>(static_cast<InboxItem*>(this)), std::memory_order_release); false \&\& !flag_->state_.compare_exchange_strong(expected,/'
control "flag: retract() is a store" flag threadsafe/thread_safe_flag.hpp \
    's/if \(!flag_->state_\.compare_exchange_strong\(expected, clear_word, .*/flag_->state_.store(clear_word, std::memory_order_relaxed); if (false \&\& !flag_->state_.compare_exchange_strong(expected, clear_word, std::memory_order_relaxed,/'
control "flag: consumed before the cancellation is seen" flag threadsafe/thread_safe_flag.hpp \
    's/^( +)(Loop::check_cancelled\(\);)$/\1if (flag_ != nullptr) flag_->consume();\n\1\2/'
control "loop: ends without the wakes that it is owed" flag core/loop_run.hpp \
    's/while \(wakes_owed_ > 0\) wait_until\(forever\);//'
control "poll: leaves the wakes in the port" flag core/loop_run.hpp 's/^( +)TimePoint\{\}\);/\1at_once);/'
control "event: armed by a store" event threadsafe/thread_safe_event.hpp \
    's/if \(!armed_\) armed_ = change\(clear_state, armed_state\);/if (!armed_) armed_ = (state_.store(armed_state, std::memory_order_release), true);/'
control "event: disarmed by a store" event threadsafe/thread_safe_event.hpp \
    's/if \(armed_ && !change\(armed_state, clear_state\)\) return false;/if (armed_) state_.store(clear_state, std::memory_order_relaxed);/'
control "queue: does not look again before it sleeps" get threadsafe/thread_safe_queue.hpp \
    's/return !Side::has_something_to_do\(\*this\) \|\| !Side::slot\(\*this\)\.withdraw\(sleeper\);/static_cast<void>(sleeper); return true;/'
control "queue: put_sync() rouses before it publishes" get threadsafe/thread_safe_queue.hpp \
    's/^( +)tail_\.store\(next, std::memory_order_release\);.*/\1consumer_.rouse(); tail_.store(next, std::memory_order_release);/; s/^( +)queue\.consumer_\.rouse\(\);/\1/'
control "queue: get_sync() rouses before it publishes" put threadsafe/thread_safe_queue.hpp \
    's/^( +)queue\.head_\.store\(next, .*/\1queue.producer_.rouse(); queue.head_.store(next, std::memory_order_release);/; s/^( +)queue\.producer_\.rouse\(\);/\1/'
control "queue: close() rouses before it closes" get threadsafe/thread_safe_queue.hpp \
    's/^( +)closed_\.store\(true, .*/\1consumer_.rouse_surely(); closed_.store(true, std::memory_order_release);/; s/^( +)consumer_\.rouse_surely\(\);$/\1/'
control "latest: the exchange is a load and a store" latest threadsafe/latest.hpp \
    's/if \(fresh\(\)\) reading_ = between_\.exchange\(reading_, .*/if (fresh()) { const unsigned found = between_.load(std::memory_order_acquire); between_.store(reading_, std::memory_order_release); reading_ = found \& ~fresh_bit; }/'
control "latest: the writer fills the slot that it has given away" latest threadsafe/latest.hpp \
    's/writing_ = between_\.exchange\(filled, .*/(void)between_.exchange(filled, std::memory_order_acq_rel);/'
control "message: a slot is taken by a load and a store" message threadsafe/message.hpp \
    's/if \(free_\.compare_exchange_strong\(free, free & ~\(1U << lowest\), .*/if (free_.store(free \& ~(1U << lowest), std::memory_order_relaxed); true ||/; s/^( +)std::memory_order_relaxed\)\) \{$/\1false) {/'
control "message: fetched by a load and a store" message threadsafe/message.hpp \
    's/reading_ = newest_\.exchange\(reading_, .*/const unsigned found = newest_.load(std::memory_order_acquire); newest_.store(reading_, std::memory_order_release); reading_ = found \& ~fresh_bit;/'
control "message: a waiter clears the event and does not look again" message threadsafe/message.hpp \
    's/if \(is_set\(\)\) changed_\.set\(\);//'
control "ring_io: the transmitter does not look again" ring_io threadsafe/ring_io.hpp \
    's/^( +)if \(out_\.empty\(\)\) break;/\1break;/'
control "ring_io: the reader does not look for a gap" ring_io threadsafe/ring_io.hpp \
    's/if \(gap \|\| in_/static_cast<void>(gap); if (in_/'
