#pragma once
// Accounts that end: deleted with all that is theirs, or never confirmed. Thread: the control-plane loop.
#include <string>

#include "api/context.h"

namespace paastech::api {

// Shuts the account at once and for ever; what is its own follows beside the answer: the Projects it owns, then the
// row. Where the Engine, the ingress or the git role does not answer, or the Service ends meanwhile, keep_accounts()
// goes on with it. kFailedPrecondition: nobody else could administer the Service. kNotFound.
net::Task<Status> remove_account(Context& context, std::string client_id);

// Goes on with deletions that were cut off; takes away accounts that were not confirmed within a day, and links,
// invitations, waiting devices and tokens that are over. One round of what keep_accounts() does.
net::Task<Status> sweep_accounts(Context& context);

// Deletions every minute, the rest every hour; ends with the TaskGroup.
net::Task<void> keep_accounts(Context& context);

}  // namespace paastech::api
