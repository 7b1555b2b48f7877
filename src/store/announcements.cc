#include "store/announcements.h"

#include "store/rows.h"

namespace paastech::store {

Status insert_announcement(Tx& tx, const AnnouncementRow& row) {
  std::int64_t present = 0;
  tx.sql << "SELECT COUNT(*) FROM announcements", soci::into(present);
  if (present >= kMaxAnnouncements)
    return fail(Code::kFailedPrecondition, "there are " + std::to_string(present) + " announcements, which is the most",
                "delete those that are over first");
  tx.sql << "INSERT INTO announcements (id, level, text, created_at, ends_at) "
            "VALUES (:id, :level, :text, :created, :ends)",
      soci::use(row.id), soci::use(row.level), soci::use(row.text), soci::use(row.created_at), soci::use(row.ends_at);
  return {};
}

Result<std::vector<AnnouncementRow>> list_announcements(Tx& tx) {
  AnnouncementRow row;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.id));
  statement.exchange(soci::into(row.level));
  statement.exchange(soci::into(row.text));
  statement.exchange(soci::into(row.created_at));
  statement.exchange(soci::into(row.ends_at));
  return fetch_all(statement,
                   "SELECT id, level, text, created_at, ends_at FROM announcements ORDER BY created_at DESC, id", row);
}

Result<std::vector<AnnouncementRow>> active_announcements(Tx& tx, std::int64_t now) {
  TRY_ASSIGN(std::vector<AnnouncementRow> rows, list_announcements(tx));
  std::erase_if(rows, [now](const AnnouncementRow& row) { return row.ends_at != 0 && row.ends_at <= now; });
  return rows;
}

Result<bool> delete_announcement(Tx& tx, const std::string& id) {
  return change(tx, "DELETE FROM announcements WHERE id = :id", soci::use(id)) > 0;
}

}  // namespace paastech::store
