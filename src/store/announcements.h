#pragma once
// Table announcements: what an administrator tells all Clients. Called inside Database::write or read.
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

struct AnnouncementRow {
  std::string id;
  std::string level;  // info | warning
  std::string text;
  std::int64_t created_at = 0;
  std::int64_t ends_at = 0;  // 0: until it is deleted
};
inline constexpr std::int64_t kMaxAnnouncements = 50;  // so that nobody has to read more, and lists need no pages

Status insert_announcement(Tx& tx, const AnnouncementRow& row);   // kFailedPrecondition: there are kMaxAnnouncements
Result<std::vector<AnnouncementRow>> list_announcements(Tx& tx);  // newest first
Result<std::vector<AnnouncementRow>> active_announcements(Tx& tx, std::int64_t now);
Result<bool> delete_announcement(Tx& tx, const std::string& id);  // whether it was there

}  // namespace paastech::store
