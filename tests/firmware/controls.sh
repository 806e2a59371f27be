#!/bin/bash
# The firmware programs must catch what they are there to catch: copies of the headers with one deliberate fault each.
# Says on which board, by which program, and what that said. Exits with 77 where the tools are missing.
#
# A slot that is freed just before it is read is no fault of this queue: the spare slot that tells a full ring from an
# empty one is then the one that is read, and nobody writes into it before the next get. So two are freed.
# usage: controls.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/environment.sh"
. "$root/tests/support/copy_with_fault.sh"
require_tools mps2-an385
missed=0 caught=0

# control NAME BOARD PROGRAM WHAT-IT-SAYS HEADER SED...
control() {
    local name=$1 board=$2 program=$3 says=$4
    if ! copy_with_fault "${@:5}" >"$work/log"; then
        echo "$name: $(cat "$work/log")"
        missed=1
    elif ! INCLUDE=$work/include build_program "$board" "$work/broken.elf" "$program" -Os >"$work/log" 2>&1; then
        echo "$name: does not build"
        head -20 "$work/log"
        missed=1
    elif run_program "$board" "$work/broken.elf" >"$work/log" 2>&1; then
        echo "$name: NOT caught on $board: $(tail -1 "$work/log")"
        missed=1
    elif ! grep -Eq "FAILED: ($says)" "$work/log"; then
        echo "$name: $program on $board failed otherwise than expected: $(tail -1 "$work/log")"
        missed=1
    else
        echo "$name: caught by $program on $board: $(grep -Eo '[0-9]+ lost of [0-9]+|FAILED: .*' "$work/log" | paste -sd ' ')"
        caught=$((caught + 1))
    fi
}

lost='wakes were lost'
torn='an element was torn|an element was lost, or came twice'
for board in mps2-an385 mps2-an386 microbit mps2-an505 lm3s6965evb; do
    control "the port looks and sleeps without the mask" $board lost_wake "$lost" ports/cortex_m.hpp \
        '/void sleep\(/,/^    \}/s/const core::InterruptsMasked masked;//'
done
for board in mps2-an385 microbit; do
    control "slots are freed before they are read" $board full_ring_burst "$torn" threadsafe/thread_safe_queue.hpp \
        's/^( +)const Getting getting\{\*this, after\(head\)\};/\1if (qsize() > 1) head_.store(after(after(head)), std::memory_order_release);\n&/'
    control "an item is published before it is written" $board full_ring_burst "$torn" threadsafe/thread_safe_queue.hpp \
        's/^( +)ring_\.put\(tail, /\1tail_.store(next, std::memory_order_release);\n&/'
    control "a flag is cleared at the start of wait()" $board lost_wake 'a wake was lost for good' \
        threadsafe/thread_safe_flag.hpp 's/(ThreadSafeFlag::wait\(\) noexcept \{) return/\1 clear(); return/'
done
control "an atomic without its mask" microbit interrupt_storm '.*' core/atomic.hpp 's/ cpsid i//'
for board in mps2-an385 microbit; do
    control "a value is fetched by a load and a store" $board value_storm 'a value is (torn|not newer)|a wake was lost' \
        threadsafe/latest.hpp \
        's/if \(fresh\(\)\) reading_ = between_\.exchange\(reading_, .*/if (fresh()) { const unsigned found = between_.load(std::memory_order_acquire); between_.store(reading_, std::memory_order_release); reading_ = found \& ~fresh_bit; }/'
    control "a slot of a message is taken by a load and a store" $board value_storm 'a value is torn|a set was refused' \
        threadsafe/message.hpp \
        's/if \(free_\.compare_exchange_strong\(free, free & ~\(1U << lowest\), .*/if (free_.store(free \& ~(1U << lowest), std::memory_order_relaxed); true ||/; s/^( +)std::memory_order_relaxed\)\) \{$/\1false) {/'
    control "a write does not start the transmitter" $board value_storm 'a wake was lost' threadsafe/ring_io.hpp \
        's/if \(some\) start_if_idle\(\);/static_cast<void>(some);/'
done
control "falling asleep is a load and a store" mps2-an385 lost_wake 'a wake was lost for good' core/inbox.hpp \
    's/return word_\.compare_exchange_strong\(expected, asleep, .*/return word_.load(std::memory_order_relaxed) == expected \&\& (word_.store(asleep, std::memory_order_relaxed), true);/'
control "a queue does not look again before it sleeps" mps2-an385 lost_wake 'a wake was lost for good' \
    threadsafe/thread_safe_queue.hpp \
    's/return !Side::has_something_to_do\(\*this\) \|\| !Side::slot\(\*this\)\.withdraw\(sleeper\);/static_cast<void>(sleeper); return true;/'
control "an event is armed by a store" mps2-an385 lost_wake 'a wake was lost for good' \
    threadsafe/thread_safe_event.hpp \
    's/if \(!armed_\) armed_ = change\(clear_state, armed_state\);/if (!armed_) armed_ = (state_.store(armed_state, std::memory_order_release), true);/'
control "a wait that is too late consumes the flag" mps2-an385 cancellation 'what the interrupt brought was lost' \
    combine/wait_for.hpp '/class WaitDeadline/,$s/^( +)return Outcome<T>::of_timed_out\(\);/\1static_cast<void>(value());\n&/'
control "a cancelled wait takes the flag back by a store" mps2-an385 cancellation 'what the interrupt brought was lost' \
    threadsafe/thread_safe_flag.hpp \
    's/if \(!flag_->state_\.compare_exchange_strong\(expected, clear_word, .*/flag_->state_.store(clear_word, std::memory_order_relaxed);\n        if (false \&\& !flag_->state_.compare_exchange_strong(expected, clear_word, std::memory_order_relaxed,/'
control "the time leaves out a tick that is pending" mps2-an385 timers 'time has gone back' ports/cortex_m.hpp \
    's/whole \+= nanoseconds_per_tick_;//'
control "the time is read without the mask" mps2-an385 timers 'time has (gone back|jumped)' ports/cortex_m.hpp \
    '/TimePoint now\(/,/^    \}/s/const core::InterruptsMasked masked;//'
control "a sleep ends at the tick before its deadline" mps2-an385 timers 'a sleep has ended early' core/sleep.hpp \
    's/\{ deadline = until; \}/{ deadline = until - std::chrono::microseconds{100}; }/'
control "a counter is read before the mask" mps2-an385 counter_wrap 'time has (gone back|jumped)' \
    ports/wrapping_counter.hpp 's/\[\[maybe_unused\]\] const Masked masked\{\};//'
control "a counter that counts down is taken to count up" mps2-an385 counter_wrap 'time has (gone back|jumped)' \
    ports/wrapping_counter.hpp 's/Direction == Counting::up \? now - seen_ : seen_ - now/now - seen_/'
echo "$caught controls caught"
exit $missed
