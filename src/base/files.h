#pragma once
// Files of the home folder. Every failure names the path. Thread: any; the calls block.
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech {

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = 16 << 20);
// Durable and atomic: a temporary beside it, fsync, rename, fsync of the folder.
Status write_file(const std::filesystem::path& path, std::string_view content, unsigned mode = 0644);
// Durable, made where it is not there. A failure in the middle leaves a part of the content at its end.
Status append_file(const std::filesystem::path& path, std::string_view content, unsigned mode = 0644);
// A secret file: refused with kFailedPrecondition where others than its owner can read it (threat 34).
Result<std::string> read_secret_file(const std::filesystem::path& path);

}  // namespace paastech
