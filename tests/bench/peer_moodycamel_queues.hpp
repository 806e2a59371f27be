// moodycamel's ConcurrentQueue in queues.cpp, which has no bound: alone, and with libuv to wake the consumer.
#pragma once

#if HAVE_MOODYCAMEL
#include <atomic>

#include <concurrentqueue/concurrentqueue.h>

#include "stream.hpp"

#if HAVE_UV
#include <uv.h>
#endif

namespace peer {

class Moodycamel {
public:
    void produce(long count) {
        const moodycamel::ProducerToken token{queue_};
        for (long i = 0; i < count; ++i) {
            if (!queue_.enqueue(token, static_cast<bench::Item>(i))) bench::fail("out of memory");
        }
    }
    void consume(long count, bench::Received& received) {
        moodycamel::ConsumerToken token{queue_};
        for (bench::Item item; count > 0; --count) {
            while (!queue_.try_dequeue(token, item)) bench::pause();
            received(item);
        }
    }

private:
    moodycamel::ConcurrentQueue<bench::Item> queue_;
};

#if HAVE_UV
/// Not sound: uv_async_send looks before it exchanges, so that a wake can be lost; a later one makes up for it, and at
/// the end the producer sends more until it is heard.
class UvMoodycamel {
public:
    UvMoodycamel() {
        ::uv_loop_init(&loop_);
        ::uv_async_init(&loop_, &async_, [](uv_async_t* async) { static_cast<UvMoodycamel*>(async->data)->drain(); });
        async_.data = this;
    }
    ~UvMoodycamel() {
        ::uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
        ::uv_run(&loop_, UV_RUN_DEFAULT);
        ::uv_loop_close(&loop_);
    }
    UvMoodycamel(const UvMoodycamel&) = delete;
    UvMoodycamel& operator=(const UvMoodycamel&) = delete;

    void produce(long count) {
        const moodycamel::ProducerToken token{queue_};
        for (long i = 0; i < count; ++i) {
            if (!queue_.enqueue(token, static_cast<bench::Item>(i))) bench::fail("out of memory");
            ::uv_async_send(&async_);
        }
        while (!done_) {
            ::usleep(100);
            ::uv_async_send(&async_);
        }
    }
    void consume(long count, bench::Received& received) {
        left_ = count;
        received_ = &received;
        ::uv_run(&loop_, UV_RUN_DEFAULT);
    }

private:
    void drain() {
        for (bench::Item item; left_ > 0 && queue_.try_dequeue(token_, item); --left_) (*received_)(item);
        if (left_ > 0) return;
        done_ = true;
        ::uv_stop(&loop_);
    }

    moodycamel::ConcurrentQueue<bench::Item> queue_;
    moodycamel::ConsumerToken token_{queue_};
    uv_loop_t loop_{};
    alignas(64) uv_async_t async_{};
    long left_ = 0;
    bench::Received* received_ = nullptr;
    alignas(64) std::atomic<bool> done_{false};
};
#endif

} // namespace peer
#endif
