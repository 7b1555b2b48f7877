#include "paastechd/mail.h"

#include "base/files.h"
#include "base/text.h"

namespace paastech {
namespace {

mail::SmtpOptions smtp_options(const Config& config, std::string password) {
  mail::SmtpOptions options;
  options.host = config.mail_host;
  options.port = config.mail_port;
  options.security = config.mail_security;
  options.username = config.mail_username;
  options.password = std::move(password);
  options.from = config.mail_from;
  options.service = config.fqdn;
  if (!config.mail_ca_file.empty()) options.ca_file = (config.home / config.mail_ca_file).string();
  options.timeout_s = config.mail_timeout_s;
  return options;
}

}  // namespace

Status check_mail(const Config& config) {
  if (config.mail_host.empty()) return {};
  if (config.mail_from.empty())
    return fail(Code::kInvalidArgument, "there is a mail server but no sender",
                "set mail.from, for instance \"PaaSTech <paas@example.org>\"");
  return mail::check(smtp_options(config, config.mail_password_file.empty() ? "" : "in the file"));
}

Result<std::optional<mail::SmtpOptions>> open_mail(const Config& config) {
  if (config.mail_host.empty()) return std::nullopt;
  std::string password;
  if (!config.mail_password_file.empty()) {
    TRY_ASSIGN(const std::string text, read_secret_file(config.home / config.mail_password_file));
    password = trim(text);
  }
  mail::SmtpOptions options = smtp_options(config, std::move(password));
  TRY(mail::check(options));
  return options;
}

}  // namespace paastech
