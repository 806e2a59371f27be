#include <rouse/io/reply.hpp>

int main() {
    rouse::Result<int> result{rouse::Error{ENOENT, "cannot open a file"}};
    return !result && result.error().code() == std::errc::no_such_file_or_directory ? 0 : 1;
}
