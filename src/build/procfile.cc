#include "build/procfile.h"

#include <algorithm>

#include "base/text.h"
#include "build/yaml_tree.h"
#include "domain/names.h"
#include "domain/scale.h"

namespace paastech::build {
namespace {

constexpr std::size_t kProcfileBytes = 64 << 10;
constexpr std::size_t kCommandLimit = 4096;
constexpr std::string_view kForm = "write `name: command`, for instance: web: node server.js";

std::unexpected<Error> refuse_line(int line, std::string_view what, std::string_view hint) {
  return fail(Code::kInvalidArgument, "Procfile line " + std::to_string(line) + ": " + std::string(what),
              std::string(hint));
}

Result<ProcfileLine> read_line(std::string_view text, int line) {
  if (!is_utf8(text)) return refuse_line(line, "is not UTF-8 text", "save the file as plain UTF-8 text");
  const bool control = std::ranges::any_of(
      text, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
  if (control) return refuse_line(line, "has a control character", "save the file as plain UTF-8 text");
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return refuse_line(line, "has no colon", kForm);
  ProcfileLine out{std::string(trim(text.substr(0, colon))), std::string(trim(text.substr(colon + 1))), line};
  const Status named = out.name == "release" ? Status{} : check_process_name(out.name);
  if (!named) return refuse_line(line, "`" + shown_key(out.name) + "` " + named.error().message, named.error().hint);
  if (out.command.empty()) return refuse_line(line, "`" + out.name + "` has no command", kForm);
  if (out.command.size() > kCommandLimit)
    return refuse_line(line, "the command of `" + out.name + "` is too long",
                       "at most 4096 bytes; put it into a script of the repository");
  return out;
}

}  // namespace

Result<std::vector<ProcfileLine>> parse_procfile(std::string_view text) {
  if (text.size() > kProcfileBytes)
    return fail(Code::kInvalidArgument, "Procfile is over 64 KiB", "keep one line a process");
  std::vector<ProcfileLine> out;
  int number = 0;
  for (const std::string& one : split(text, '\n')) {
    ++number;
    const std::string_view content = trim(one);  // the CR of CRLF too
    if (content.empty() || content.front() == '#') continue;
    TRY_ASSIGN(ProcfileLine line, read_line(content, number));
    const auto before = std::ranges::find(out, line.name, &ProcfileLine::name);
    if (before != out.end())
      return refuse_line(number, "`" + line.name + "` is there twice, first on line " + std::to_string(before->line),
                         "keep one of the two");
    out.push_back(std::move(line));
    const auto processes = std::ranges::count_if(out, [](const ProcfileLine& l) { return l.name != "release"; });
    if (processes > static_cast<std::ptrdiff_t>(kMostProcesses))
      return refuse_line(number, "`" + out.back().name + "` is one process too many", "a project has at most 20");
  }
  return out;
}

}  // namespace paastech::build
