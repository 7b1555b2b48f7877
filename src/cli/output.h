#pragma once
// Everything the client prints goes through here: made safe for a terminal (threat 28), coloured only on one, and in
// --json mode nothing but JSON on the standard output.
#include <boost/json/fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/format.h"
#include "cli/io.h"

namespace paastech::cli {

enum class Colour { kNone, kBold, kRed, kGreen, kYellow, kCyan };

class Output {
 public:
  Output(Io& io, bool json);
  bool json() const { return json_; }

  // Of a person; silent with --json. line and table go to the standard output, the others to standard error.
  void line(std::string_view text, Colour colour = Colour::kNone);
  void table(const Table& table);
  void note(std::string_view text);
  void warn(std::string_view text);      // also with --json
  void progress(std::string_view text);  // only where standard error is a terminal
  void error(const Error& error);        // with --json: {"error":{code,message,hint}} on standard error

  void document(const boost::json::value& value);                 // only with --json; one line
  std::string paint(std::string_view text, Colour colour) const;  // for a part of a line

 private:
  std::string clean(std::string_view text, bool colour) const;
  Io& io_;
  bool json_;
  bool out_colour_;
  bool err_colour_;
};

}  // namespace paastech::cli
