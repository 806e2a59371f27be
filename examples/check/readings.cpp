// A torn pair of readings. A sensor's interrupt stores a temperature and a humidity that belong together; a task reads
// them.
//
//     check_readings first      two atomics: the task can get the temperature of one moment and the humidity of another
//     check_readings mended     Latest hands over the pair as a whole: passes
//
// docs/check_your_handler.md tells the story.
#include <cstdio>
#include <cstring>

#include <rouse/check/check.hpp>
#include <rouse/rouse.hpp>

namespace check = rouse::check;

struct Reading {
    int temperature = 0, humidity = 0; // in this test always equal
};

struct FirstSensor {
    check::Atomic<int> temperature{0}, humidity{0};
    rouse::ThreadSafeFlag ready;

    // The interrupt handler.
    void on_reading(Reading now) {
        temperature.store(now.temperature, std::memory_order_relaxed);
        humidity.store(now.humidity, std::memory_order_relaxed);
        ready.set();
    }

    rouse::Task<Reading> next() {
        co_await ready.wait();
        const int t = temperature.load(std::memory_order_relaxed);
        co_return Reading{t, humidity.load(std::memory_order_relaxed)};
    }
};

struct MendedSensor {
    rouse::Latest<Reading> latest;

    // The interrupt handler.
    void on_reading(Reading now) { latest.publish(now); }

    rouse::Task<Reading> next() { co_return co_await latest.next(); }
};

template <class Sensor>
rouse::Task<> look(Sensor& sensor) {
    const Reading reading = co_await sensor.next();
    check::expect(reading.temperature == reading.humidity, "the pair is of two moments");
}

template <class Sensor>
void program() {
    Sensor sensor;
    int last = 0; // of the handler alone, which does not interrupt itself
    const auto handler = [&sensor, &last] {
        ++last;
        sensor.on_reading({last, last});
    };
    check::interrupt("sensor", handler);
    check::interrupt("sensor again", handler);
    check::run(look<Sensor>, sensor);
    check::join();
}

int main(int argc, char** argv) {
    const bool mended = argc > 1 && std::strcmp(argv[1], "mended") == 0;
    if (!mended && (argc < 2 || std::strcmp(argv[1], "first") != 0)) {
        std::fputs("usage: check_readings first|mended\n", stderr);
        return 2;
    }
    return check::report("the sensor", check::explore(mended ? program<MendedSensor> : program<FirstSensor>));
}
