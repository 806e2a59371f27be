// A web server that says hello: enough of HTTP/1.1 for curl, wrk and a browser, with connections that are kept open.
//
//   http_hello [host [port]]        the defaults are 127.0.0.1 and 8080; port 0 takes any that is free
//
// Try it with: curl http://127.0.0.1:8080/world
#include <cctype>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "server_main.hpp"

using namespace std::chrono_literals;
using rouse::StreamReader;
using rouse::StreamWriter;
using rouse::Task;

static constexpr std::size_t longest_head = 8 * 1024;
static constexpr std::size_t longest_body = 1024 * 1024;
static constexpr auto longest_silence = 30s;

struct Request {
    std::string_view method, target;
    bool keep_alive = true;
    std::size_t body = 0;
    int error = 0; // the status to refuse it with, or 0
};

static bool same_word(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::tolower(static_cast<unsigned char>(a[i])) != std::tolower(static_cast<unsigned char>(b[i])))
            return false;
    }
    return true;
}

// Takes and returns what stands before `end`, or all of it.
static std::string_view cut(std::string_view& text, std::string_view end) {
    const std::string_view part = text.substr(0, text.find(end));
    text.remove_prefix(part.size() == text.size() ? part.size() : part.size() + end.size());
    return part;
}

static void take_header(Request& request, std::string_view name, std::string_view value) {
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (same_word(name, "Connection")) {
        if (same_word(value, "close")) request.keep_alive = false;
        if (same_word(value, "keep-alive")) request.keep_alive = true;
    } else if (same_word(name, "Transfer-Encoding")) {
        request.error = 501;
    } else if (same_word(name, "Content-Length")) {
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), request.body);
        if (error != std::errc{} || end != value.data() + value.size()) request.error = 400;
        if (request.body > longest_body) request.error = 413;
    }
}

static Request parse(std::string_view head) {
    Request request;
    std::string_view line = cut(head, "\r\n");
    request.method = cut(line, " ");
    request.target = cut(line, " ");
    if (line != "HTTP/1.1" && line != "HTTP/1.0") request.error = 400;
    request.keep_alive = line == "HTTP/1.1";
    while (!head.empty()) {
        std::string_view header = cut(head, "\r\n");
        if (header.empty()) break;
        const std::string_view name = cut(header, ":");
        take_header(request, name, header);
    }
    if (request.error == 0 && request.method != "GET" && request.method != "HEAD") request.error = 405;
    return request;
}

static const char* reason(int status) {
    switch (status) {
    case 200: return "OK";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    default: return "Bad Request";
    }
}

static std::string response(int status, std::string_view text, bool keep_alive, bool with_body) {
    return fmt::format("HTTP/1.1 {} {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: {}\r\n\r\n{}",
                       status, reason(status), text.size(), keep_alive ? "keep-alive" : "close", with_body ? text : "");
}

// The head of the next request; nothing if the client has gone, or is silent for too long.
static Task<std::optional<std::string>> next_head(StreamReader& reader) {
    try {
        co_return co_await rouse::wait_for(reader.readuntil("\r\n\r\n", longest_head), longest_silence);
    } catch (const rouse::IncompleteRead&) {
    } catch (const rouse::TimeoutError&) {
    }
    co_return std::nullopt;
}

static Task<> converse(StreamReader& reader, StreamWriter& writer) {
    for (;;) {
        const auto head = co_await next_head(reader);
        if (!head) co_return;
        const Request request = parse(*head);
        if (request.error != 0) {
            writer.write(response(request.error, "no\n", false, true));
            co_return;
        }
        if (request.body > 0) static_cast<void>(co_await reader.readexactly(request.body));
        const std::string text = fmt::format("hello from {}\n", request.target);
        writer.write(response(200, text, request.keep_alive, request.method == "GET"));
        co_await writer.drain();
        if (!request.keep_alive) co_return;
    }
}

static Task<> serve(StreamReader reader, StreamWriter writer) {
    try {
        co_await converse(reader, writer);
    } catch (const rouse::LimitOverrun&) {
        writer.write(response(431, "no\n", false, true));
    } catch (const rouse::IncompleteRead&) { // in the middle of a body
    } catch (const std::system_error&) {     // the client has broken off
    }
    writer.close();
    co_await writer.wait_closed();
}

int main(int count, char** arguments) { return example::server_main(count, arguments, 8080, serve); }
