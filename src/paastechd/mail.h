#pragma once
// The mail server of the configuration. Thread: called at start.
#include <optional>

#include "base/result.h"
#include "mail/smtp.h"
#include "paastechd/config.h"

namespace paastech {

// Whether the keys of [mail] fit together; fine where mail.host is empty. kInvalidArgument.
Status check_mail(const Config& config);
// With the password of mail.password_file. Nothing where mail.host is empty: this Service sends no mail then.
// kFailedPrecondition where others can read the file.
Result<std::optional<mail::SmtpOptions>> open_mail(const Config& config);

}  // namespace paastech
