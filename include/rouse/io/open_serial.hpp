// open_serial: a serial port as a pair of streams.
#pragma once

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <rouse/io/address.hpp>
#include <rouse/io/detail/descriptor.hpp>
#include <rouse/io/open_connection.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// The constant of termios for a rate in bits per second; B0, which would hang up, if there is none.
constexpr speed_t termios_speed(unsigned long baud) noexcept {
    struct Speed {
        unsigned long baud;
        speed_t constant;
    };
    constexpr Speed all[] = {
        // POSIX has those up to 38400
        {50, B50},           {75, B75},     {110, B110},   {134, B134},     {150, B150},
        {200, B200},         {300, B300},   {600, B600},   {1200, B1200},   {1800, B1800},
        {2400, B2400},       {4800, B4800}, {9600, B9600}, {19200, B19200}, {38400, B38400},
#ifdef B57600
        {57600, B57600},
#endif
#ifdef B115200
        {115200, B115200},
#endif
#ifdef B230400
        {230400, B230400},
#endif
#ifdef B460800
        {460800, B460800},
#endif
#ifdef B500000
        {500000, B500000},
#endif
#ifdef B576000
        {576000, B576000},
#endif
#ifdef B921600
        {921600, B921600},
#endif
#ifdef B1000000
        {1000000, B1000000},
#endif
#ifdef B1152000
        {1152000, B1152000},
#endif
#ifdef B1500000
        {1500000, B1500000},
#endif
#ifdef B2000000
        {2000000, B2000000},
#endif
#ifdef B2500000
        {2500000, B2500000},
#endif
#ifdef B3000000
        {3000000, B3000000},
#endif
#ifdef B3500000
        {3500000, B3500000},
#endif
#ifdef B4000000
        {4000000, B4000000},
#endif
    };
    for (const Speed& each : all) {
        if (each.baud == baud) return each.constant;
    }
    return B0;
}

/// Makes a terminal pass all bytes unchanged, 8 bits without parity and one stop bit, without flow control and without
/// regard to modem lines. Returns 0 or an errno: ENOTTY if it is no terminal, EINVAL if it does not take the speed.
inline int make_raw(int descriptor, speed_t speed) noexcept {
    termios settings{};
    if (::tcgetattr(descriptor, &settings) != 0) return errno;
    settings.c_iflag &= ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | INPCK | ISTRIP | INLCR | IGNCR | ICRNL |
                                               IXON | IXOFF | IXANY);
    settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
    settings.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    settings.c_cflag &= ~static_cast<tcflag_t>(CSIZE | PARENB | CSTOPB);
#ifdef CRTSCTS
    constexpr tcflag_t flow_control = CRTSCTS;
    settings.c_cflag &= ~flow_control;
#endif
    settings.c_cflag |= static_cast<tcflag_t>(CS8 | CREAD | CLOCAL);
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    if (::cfsetispeed(&settings, speed) != 0 || ::cfsetospeed(&settings, speed) != 0) return errno;
    if (::tcsetattr(descriptor, TCSANOW, &settings) != 0) return errno;
    termios done{}; // it succeeds if it could change anything
    if (::tcgetattr(descriptor, &done) != 0) return errno;
    return ::cfgetospeed(&done) == speed ? 0 : EINVAL;
}

} // namespace detail

/// Opens a serial port: `auto [reader, writer] = co_await open_serial("/dev/ttyUSB0", 115200);`. Sets it to `baud` bits
/// per second, 8 data bits, no parity, one stop bit and no flow control, and passes all bytes unchanged. The settings
/// stay when it is closed. It does not keep other programs from opening the port.
///
/// For tasks of a loop whose port can watch descriptors. The streams work as those of a connection, whose peer is named
/// after the path. A serial line has no end, so a read waits until bytes come; the end is read when the device has been
/// removed, or, over a pseudo-terminal, when its other side has been closed. Bytes that arrive while the system's
/// buffer is full (4 KiB on Linux) are lost: keep reading. write_eof() closes the port, as there is no half to end.
///
/// Closing the last half blocks the loop until the device has sent what the system has taken, at 9600 bits per second
/// about a second for a kilobyte: let the device answer before you close it, where that matters.
///
/// Throws std::system_error that names the path: EINVAL for a rate that termios has no constant for, or that the device
/// does not support; ENOTTY if the path is not a serial port; ENAMETOOLONG for 108 bytes or more. UsageError if the
/// path is empty or contains a NUL.
[[nodiscard]] inline Task<Reply<Streams>> open_serial(std::string path, unsigned long baud) {
    Reply<Address> named = Address::unix_path(path);
    if (detail::is_error(named)) co_return detail::failed<Streams>(detail::error_of(named));
    const std::string what = "cannot open serial port " + path;
    const std::string rate = " at " + std::to_string(baud) + " bits per second";
    const speed_t speed = detail::termios_speed(baud);
    if (speed == B0)
        co_return detail::failed<Streams>(
            EINVAL, what + rate + ", a rate that termios does not know; use one that it does, such as 9600 or 115200");
    detail::Descriptor descriptor{::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
    if (!descriptor) co_return detail::failed<Streams>(errno, what);
    int error = detail::make_raw(descriptor.number(), speed);
    if (error == ENOTTY) co_return detail::failed<Streams>(error, what + ", which is not one");
    if (error == EINVAL) co_return detail::failed<Streams>(error, what + rate + ", which the device does not support");
    if (error != 0) co_return detail::failed<Streams>(error, what);
    auto connection = std::make_shared<detail::StreamConnection>(std::move(descriptor), detail::value_of(named), error,
                                                                 detail::Calls::of_file);
    if (error != 0) co_return detail::failed<Streams>(error, what);
    co_return detail::streams(connection);
}

} // namespace ROUSE_ABI
} // namespace rouse
