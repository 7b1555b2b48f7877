#pragma once
// The figures of the last hour by 10 s and of the last week by 5 min, one file a Process: <home>/metrics/<project
// uuid>/<process>.ring, 64 bytes of header and 2376 records, so 428 KiB at the most and less while it is young (the
// file is sparse). A record's place is its slot modulo the ring's length, and it is valid where its slot and its
// checksum are: nothing has to be moved or marked, what is old is overwritten, and a record torn by a crash is a gap.
// Thread: any, but one writer a file; the calls block. Not flushed to the disk: losing some minutes of figures in a
// power failure is cheaper than waiting for it every 10 s.
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "metrics/sample.h"

namespace paastech::metrics {

enum class Range { kHour, kWeek };
std::int64_t seconds_of(Range range);  // of one sample
std::int64_t count_of(Range range);    // of samples

class History {
 public:
  explicit History(const std::filesystem::path& home) : root_(home / "metrics") {}
  // A sample of 10 s; the one of 5 min that it belongs to is made anew of what there is. A file that is none of ours,
  // of another size or of another form is set aside as <process>.damaged, and a new one begun. kInvalidArgument: no
  // Project's id, or a name that no Process can have.
  Status add(const std::string& project, const std::string& process, const Sample& sample) const;
  // So many samples from this slot on; those that are not there have slot 0. A file that cannot be read has none.
  std::vector<Sample> read(const std::string& project, const std::string& process, Range range, std::int64_t first,
                           std::int64_t count) const;
  std::vector<std::string> processes(const std::string& project) const;  // in order of their names
  std::vector<std::string> projects() const;
  void remove(const std::string& project) const;
  // Removes the files that nothing was written to for so long, and folders that are empty then.
  void sweep(std::int64_t older_than_seconds) const;

 private:
  std::filesystem::path file_of(const std::string& project, const std::string& process) const;
  std::filesystem::path root_;
};

}  // namespace paastech::metrics
