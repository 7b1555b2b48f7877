#include "cli/output.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/error.h"
#include "base/text.h"

namespace paastech::cli {
namespace {

std::string_view start_of(Colour colour) {  // SGR parameters: ECMA-48 section 8.3.117
  switch (colour) {
    case Colour::kBold: return "\x1b[1m";
    case Colour::kRed: return "\x1b[31m";
    case Colour::kGreen: return "\x1b[32m";
    case Colour::kYellow: return "\x1b[33m";
    case Colour::kCyan: return "\x1b[36m";
    default: return "";
  }
}

std::string coloured(std::string_view text, Colour colour) {
  if (colour == Colour::kNone) return std::string(text);
  return fmt::format("{}{}\x1b[0m", start_of(colour), text);
}

}  // namespace

Output::Output(Io& io, bool json) : io_(io), json_(json) {
  const bool refused = !io.variable("NO_COLOR").value_or("").empty() || io.variable("TERM") == "dumb";
  out_colour_ = io.out_is_terminal && !refused;
  err_colour_ = io.err_is_terminal && !refused;
}

// What a Client's text coloured is reset at the end of the line.
std::string Output::clean(std::string_view text, bool colour) const {
  std::string safe = sanitize_terminal(text);
  if (!colour) return strip_colour(safe);
  if (safe.find('\x1b') != std::string::npos && !safe.ends_with("\x1b[0m")) safe += "\x1b[0m";
  return safe;
}

void Output::line(std::string_view text, Colour colour) {
  if (json_) return;
  io_.out << clean(coloured(text, colour), out_colour_) << '\n' << std::flush;
}

void Output::table(const Table& table) {
  if (json_) return;
  const std::string text = render_table(table, io_.columns);
  const std::size_t header = text.find('\n');
  io_.out << (out_colour_ ? coloured(text.substr(0, header), Colour::kBold) : text.substr(0, header))
          << text.substr(header) << std::flush;
}

void Output::note(std::string_view text) {
  if (!json_) io_.err << clean(text, err_colour_) << '\n' << std::flush;
}

void Output::warn(std::string_view text) {
  io_.err << clean(coloured("warning: ", Colour::kYellow) + std::string(text), err_colour_) << '\n' << std::flush;
}

void Output::progress(std::string_view text) {
  if (io_.err_is_terminal) note(text);
}

void Output::error(const Error& error) {
  if (json_) {
    boost::json::object body{{"code", code_name(error.code)}, {"message", error.message}};
    if (!error.hint.empty()) body["hint"] = error.hint;
    io_.err << boost::json::serialize(boost::json::object{{"error", std::move(body)}}) << '\n' << std::flush;
    return;
  }
  io_.err << clean(coloured("error: ", Colour::kRed) + error.message, err_colour_) << '\n';
  if (!error.hint.empty()) io_.err << clean("hint:  " + error.hint, err_colour_) << '\n';
  io_.err << std::flush;
}

void Output::document(const boost::json::value& value) {
  if (json_) io_.out << boost::json::serialize(value) << '\n' << std::flush;
}

std::string Output::paint(std::string_view text, Colour colour) const {
  return out_colour_ ? coloured(text, colour) : std::string(text);
}

}  // namespace paastech::cli
