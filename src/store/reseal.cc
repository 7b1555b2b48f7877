#include "store/reseal.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "store/sealed.h"

namespace paastech::store {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kPage = 32;              // a snapshot may have some 350 KiB (api/http/environment.cc): 11 MiB a page
constexpr int kMostPasses = 100;       // two are usual: one that seals, one that finds nothing
constexpr auto kResealPatience = 60s;  // for a database that is locked or away
constexpr auto kBetweenTries = 200ms;
constexpr auto kLeastPause = 5ms;

// The Service waits at most 1.5 s for the lock (store/database.h), and so does each try here.
Status patiently(const std::function<Status()>& attempt) {
  const Clock::time_point end = Clock::now() + kResealPatience;
  while (true) {
    Status done = attempt();
    if (done || done.error().code != Code::kUnavailable || Clock::now() > end) return done;
    std::this_thread::sleep_for(kBetweenTries);
  }
}

class Work {
 public:
  Work(Database& database, const SecretBox& secrets) : database_(database), secrets_(secrets) {}

  // True where it found a value to seal anew.
  Result<bool> pass() {
    bool found = false;
    for (const SealedColumn& column : sealed_columns()) {
      std::vector<std::string> after;
      while (true) {
        TRY_ASSIGN(const std::vector<SealedRow> rows, page(column, after));
        if (rows.empty()) break;
        after = rows.back().at;
        TRY_ASSIGN(const bool some, reseal(column, rows));
        found = found || some;
      }
    }
    ++report_.passes;
    return found;
  }
  // Whoever sealed a value in a write transaction before the newest key was there has committed it after this.
  Status wait_for_writers() {
    return patiently([&] { return database_.write([](Tx&) { return Status{}; }); });
  }
  Resealed take() { return std::move(report_); }

 private:
  Result<std::vector<SealedRow>> page(const SealedColumn& column, const std::vector<std::string>& after) {
    std::vector<SealedRow> rows;
    TRY(patiently([&] {
      return database_.read([&](Tx& tx) -> Status {
        TRY_ASSIGN(rows, sealed_with_another(tx, column, secrets_.newest_key(), after, kPage));
        return {};
      });
    }));
    return rows;
  }

  Result<bool> reseal(const SealedColumn& column, const std::vector<SealedRow>& rows) {
    std::vector<std::pair<const SealedRow*, std::string>> anew;
    for (const SealedRow& row : rows) {
      const std::string context = context_of(column, row);
      const Result<std::string> plain = secrets_.open(row.value, context);
      if (plain)
        anew.emplace_back(&row, secrets_.seal(*plain, context));
      else
        report_.broken.insert(context);
    }
    if (anew.empty()) return false;
    const Clock::time_point begin = Clock::now();
    std::int64_t replaced = 0;
    TRY(patiently([&] {
      replaced = 0;
      return database_.write([&](Tx& tx) -> Status {
        for (const auto& [row, value] : anew) {
          TRY_ASSIGN(const bool same, replace_sealed(tx, column, *row, value));
          replaced += same ? 1 : 0;
        }
        return {};
      });
    }));
    report_.values[std::string(column.kind)] += replaced;
    // As long as it held the lock the Service now has it for itself.
    std::this_thread::sleep_for(std::max<Clock::duration>(Clock::now() - begin, kLeastPause));
    return true;
  }

  Database& database_;
  const SecretBox& secrets_;
  Resealed report_;
};

}  // namespace

Result<Resealed> reseal_all(Database& database, const SecretBox& secrets) {
  Work work(database, secrets);
  TRY(work.wait_for_writers());
  for (int i = 0; i < kMostPasses; ++i) {
    TRY_ASSIGN(const bool found, work.pass());
    if (!found) return work.take();
  }
  return fail(Code::kAborted, "values are still being sealed with an older key",
              "a running paastechd could not read the new key; its log says why. Restart it and run this again");
}

}  // namespace paastech::store
