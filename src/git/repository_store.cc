#include "git/repository_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/ids.h"
#include "base/text.h"
#include "git/bounded_objects.h"
#include "git/git_handle.h"
#include "git/ref_rules.h"

namespace paastech::git {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kQuarantinePrefix = "tmp_objdir-";  // git's tmp-objdir.c

Result<RepositoryHandle> open_repository(const fs::path& path, const std::string& quarantine) {
  git_repository* raw = nullptr;
  if (git_repository_open_ext(&raw, path.c_str(),
                              GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE | GIT_REPOSITORY_OPEN_NO_DOTGIT,
                              nullptr) != 0)
    return fail(fs::exists(path) ? Code::kInternal : Code::kNotFound,
                fmt::format("cannot open the repository {}: {}", path.filename().string(), git_error_text()));
  RepositoryHandle repository(raw);
  if (quarantine.empty()) return repository;
  git_odb* odb_raw = nullptr;
  if (git_repository_odb(&odb_raw, raw) != 0) return fail(Code::kInternal, git_error_text());
  const OdbHandle odb(odb_raw);
  if (git_odb_add_disk_alternate(odb_raw, quarantine.c_str()) != 0) return fail(Code::kInternal, git_error_text());
  return repository;
}

// Walks through trees only: a symlink on the way is no folder, so nothing is ever followed (threat 11).
Result<TreeFile> read_entry(git_repository* repository, git_odb* odb, git_tree* tree, const std::string& path) {
  TreeFile file{path, "missing", {}};
  git_tree_entry* raw = nullptr;
  if (git_tree_entry_bypath(&raw, tree, path.c_str()) != 0) return file;
  const TreeEntryHandle entry(raw);
  const git_filemode_t mode = git_tree_entry_filemode(raw);
  if (mode == GIT_FILEMODE_TREE)
    file.kind = "directory";
  else if (mode == GIT_FILEMODE_COMMIT)
    file.kind = "submodule";
  else if (mode == GIT_FILEMODE_LINK)
    file.kind = "symlink";
  if (file.kind != "missing") return file;
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (git_odb_read_header(&size, &type, odb, git_tree_entry_id(raw)) != 0)
    return fail(Code::kInternal, git_error_text());
  file.kind = size > RepositoryStore::kMaxFile ? "too_large" : "file";
  if (file.kind == "too_large") return file;
  git_blob* blob_raw = nullptr;
  if (git_blob_lookup(&blob_raw, repository, git_tree_entry_id(raw)) != 0)
    return fail(Code::kInternal, git_error_text());
  const BlobHandle blob(blob_raw);
  file.content.assign(static_cast<const char*>(git_blob_rawcontent(blob_raw)), git_blob_rawsize(blob_raw));
  return file;
}

void sync_path(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file) ::fsync(file.get());
}

}  // namespace

RepositoryStore::RepositoryStore(fs::path root) : root_(std::move(root)) {
  git_libgit2_init();
  git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);  // the folder is ours by mode 0700
  for (const int level :
       {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL})
    git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
}

RepositoryStore::~RepositoryStore() { git_libgit2_shutdown(); }

Status RepositoryStore::prepare() {
  std::error_code code;
  fs::create_directories(root_, code);
  if (code) return fail(Code::kInternal, fmt::format("cannot make the folder {}: {}", root_.string(), code.message()));
  ::chmod(root_.c_str(), 0700);
  for (const auto& entry : fs::directory_iterator(root_, code)) {
    if (!entry.path().filename().string().ends_with(".git")) {
      fs::remove_all(entry.path(), code);  // half made or half removed
      continue;
    }
    std::vector<fs::path> stale;
    for (const auto& object : fs::directory_iterator(entry.path() / "objects", code))
      if (object.path().filename().string().starts_with(kQuarantinePrefix)) stale.push_back(object.path());
    for (const fs::path& folder : stale) fs::remove_all(folder, code);
  }
  return {};
}

fs::path RepositoryStore::path_of(const std::string& project_id) const { return root_ / (project_id + ".git"); }

bool RepositoryStore::exists(const std::string& project_id) const { return fs::exists(path_of(project_id) / "HEAD"); }

Status RepositoryStore::create(const std::string& project_id, const std::string& default_branch) {
  if (!is_uuid(project_id)) return fail(Code::kInvalidArgument, "a project id is a lower-case uuid");
  const std::string branch = default_branch.empty() ? "main" : default_branch;
  if (!is_permitted_ref("refs/heads/" + branch)) return fail(Code::kInvalidArgument, "not the name of a branch");
  if (exists(project_id)) return {};
  const fs::path fresh = root_ / fmt::format("{}.{}.new", project_id, random_token(6));
  git_repository_init_options options;
  git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
  options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR | GIT_REPOSITORY_INIT_NO_REINIT;
  options.mode = 0700;
  options.initial_head = branch.c_str();
  git_repository* raw = nullptr;
  if (git_repository_init_ext(&raw, fresh.c_str(), &options) != 0) {
    const std::string why = git_error_text();
    std::error_code ignored;
    fs::remove_all(fresh, ignored);
    const bool full = why.find("No space left on device") != std::string::npos;
    return fail(full ? Code::kResourceExhausted : Code::kInternal, "cannot make the repository: " + why,
                full ? "free space on the Service's disk and try again" : "see the Service's log");
  }
  git_repository_free(raw);
  ::chmod(fresh.c_str(), 0700);
  for (const char* part : {"HEAD", "config", "objects", "refs", "refs/heads", "refs/tags", ""}) sync_path(fresh / part);
  std::error_code code;
  fs::rename(fresh, path_of(project_id), code);
  if (code) {
    std::error_code ignored;
    fs::remove_all(fresh, ignored);
    if (exists(project_id)) return {};  // another call was faster
    return fail(Code::kInternal, fmt::format("cannot make the repository: {}", code.message()));
  }
  sync_path(root_);
  return {};
}

Status RepositoryStore::remove(const std::string& project_id) {
  if (!is_uuid(project_id)) return fail(Code::kInvalidArgument, "a project id is a lower-case uuid");
  const fs::path doomed = root_ / fmt::format("{}.{}.removed", project_id, random_token(6));
  std::error_code code;
  fs::rename(path_of(project_id), doomed, code);
  if (code == std::errc::no_such_file_or_directory) return {};
  if (code) return fail(Code::kInternal, fmt::format("cannot remove the repository: {}", code.message()));
  sync_path(root_);
  fs::remove_all(doomed, code);
  if (code)
    return fail(Code::kInternal,
                fmt::format("a part of the repository is left, as {}: {}", doomed.string(), code.message()),
                "the next start of the Service removes it where it can");
  return {};
}

// A file without a name: whatever ends this process gives the room back.
Result<Descriptor> RepositoryStore::reserve(const std::string& project_id) const {
  std::string name = (path_of(project_id) / "room.XXXXXX").string();
  Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
  int code = file ? 0 : errno;
  if (code == 0) ::unlink(name.c_str());
  if (code == 0) code = ::posix_fallocate(file.get(), 0, kReserve);
  if (code == 0) return file;
  if (code == ENOSPC || code == EDQUOT) return std::unexpected(disk_full());
  return fail(Code::kInternal,
              fmt::format("room for the branch cannot be kept: {}", std::system_category().message(code)),
              "see the Service's log");
}

Status RepositoryStore::set_quarantine(const std::string& project_id, const std::string& folder) {
  std::error_code code;
  const fs::path objects = fs::canonical(path_of(project_id) / "objects", code);
  const fs::path real = fs::canonical(folder, code);
  if (code || real.parent_path() != objects || !real.filename().string().starts_with(kQuarantinePrefix))
    return fail(Code::kInvalidArgument, "the push's quarantine is not inside its repository");
  const std::scoped_lock lock(mutex_);
  quarantines_[project_id] = real.string();
  return {};
}

void RepositoryStore::clear_quarantine(const std::string& project_id) {
  const std::scoped_lock lock(mutex_);
  quarantines_.erase(project_id);
}

std::string RepositoryStore::quarantine_of(const std::string& project_id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = quarantines_.find(project_id);
  return found == quarantines_.end() || !fs::exists(found->second) ? "" : found->second;
}

Result<CommitFiles> RepositoryStore::read_files(const std::string& project_id, const std::string& commit,
                                                const std::vector<std::string>& paths) const {
  if (!is_uuid(project_id)) return fail(Code::kInvalidArgument, "a project id is a lower-case uuid");
  for (const std::string& path : paths)
    if (!is_tree_path(path))
      return fail(Code::kInvalidArgument, fmt::format("'{}' is not a path in a tree", sanitize_terminal(path)));
  TRY_ASSIGN(const RepositoryHandle repository, open_repository(path_of(project_id), quarantine_of(project_id)));
  TRY_ASSIGN(const CommitHandle found, find_commit(repository.get(), commit));
  TRY_ASSIGN(const TreeHandle tree, tree_of(repository.get(), found.get()));
  git_odb* odb_raw = nullptr;
  if (git_repository_odb(&odb_raw, repository.get()) != 0) return fail(Code::kInternal, git_error_text());
  const OdbHandle odb(odb_raw);
  CommitFiles out;
  for (const std::string& path : paths) {
    TRY_ASSIGN(TreeFile file, read_entry(repository.get(), odb_raw, tree.get(), path));
    out.files.push_back(std::move(file));
  }
  if (const char* subject = git_commit_summary(found.get()); subject != nullptr) out.subject = make_utf8(subject);
  if (const git_signature* author = git_commit_author(found.get()); author != nullptr)
    out.author = make_utf8(fmt::format("{} <{}>", author->name, author->email));
  return out;
}

Result<GitInvocation> RepositoryStore::archive(const std::string& project_id, const std::string& commit,
                                               const std::string& path) const {
  if (!is_uuid(project_id)) return fail(Code::kInvalidArgument, "a project id is a lower-case uuid");
  if (!path.empty() && !is_tree_path(path))
    return fail(Code::kInvalidArgument, fmt::format("'{}' is not a path in a tree", sanitize_terminal(path)));
  const std::string quarantine = quarantine_of(project_id);
  TRY_ASSIGN(const RepositoryHandle repository, open_repository(path_of(project_id), quarantine));
  TRY_ASSIGN(const CommitHandle found, find_commit(repository.get(), commit));
  if (!path.empty()) {
    TRY_ASSIGN(const TreeHandle tree, tree_of(repository.get(), found.get()));
    git_tree_entry* raw = nullptr;
    const bool exists = git_tree_entry_bypath(&raw, tree.get(), path.c_str()) == 0;
    const TreeEntryHandle entry(raw);
    if (!exists || git_tree_entry_type(raw) != GIT_OBJECT_TREE)
      return fail(Code::kNotFound,
                  fmt::format("there is no folder '{}' in commit {}", sanitize_terminal(path), commit.substr(0, 12)));
  }
  GitInvocation invocation;
  invocation.arguments = {"--git-dir=" + path_of(project_id).string(), "archive", "--format=tar",
                          path.empty() ? commit : commit + ":" + path};
  if (!quarantine.empty())
    invocation.environment = {{"GIT_OBJECT_DIRECTORY", quarantine},
                              {"GIT_ALTERNATE_OBJECT_DIRECTORIES", (path_of(project_id) / "objects").string()}};
  return invocation;
}

Result<std::string> RepositoryStore::ref(const std::string& project_id, const std::string& name) const {
  TRY_ASSIGN(const RepositoryHandle repository, open_repository(path_of(project_id), ""));
  git_oid id;
  const int code = git_reference_name_to_id(&id, repository.get(), name.c_str());
  if (code == GIT_ENOTFOUND) return std::string();
  if (code != 0) return fail(Code::kInternal, git_error_text());
  return std::string(git_oid_tostr_s(&id));
}

Status RepositoryStore::check_deployable(const std::string& project_id, const std::string& commit) const {
  TRY_ASSIGN(const RepositoryHandle repository, open_repository(path_of(project_id), quarantine_of(project_id)));
  const Result<CommitHandle> found = find_commit(repository.get(), commit);
  if (!found && found.error().code == Code::kResourceExhausted) return std::unexpected(found.error());
  if (!found)
    return fail(Code::kFailedPrecondition, "only a commit can be deployed", "push a branch: git push paastech main");
  TRY_ASSIGN(const TreeHandle tree, tree_of(repository.get(), found->get()));
  return check_tree(repository.get(), tree.get());
}

void RepositoryStore::point_head_at_deploy_branch(const std::string& project_id) const {
  const Result<RepositoryHandle> repository = open_repository(path_of(project_id), "");
  if (!repository) return;
  git_oid id;
  const bool main = git_reference_name_to_id(&id, repository->get(), "refs/heads/main") == 0;
  const bool master = git_reference_name_to_id(&id, repository->get(), "refs/heads/master") == 0;
  const bool head = git_reference_name_to_id(&id, repository->get(), "HEAD") == 0;
  git_reference* raw = nullptr;
  if (git_reference_lookup(&raw, repository->get(), "HEAD") != 0) return;
  const ReferenceHandle current(raw);
  const std::string_view target =
      git_reference_symbolic_target(raw) != nullptr ? git_reference_symbolic_target(raw) : "";
  if (main && target != "refs/heads/main") git_repository_set_head(repository->get(), "refs/heads/main");
  if (!main && master && !head) git_repository_set_head(repository->get(), "refs/heads/master");
}

std::size_t RepositoryStore::count_packs(const std::string& project_id) const {
  std::size_t packs = 0;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(path_of(project_id) / "objects/pack", code))
    packs += entry.path().extension() == ".pack" ? 1 : 0;
  return packs;
}

// Files come and go meanwhile: what is gone counts nothing.
std::int64_t RepositoryStore::size(const std::string& project_id) const {
  if (!is_uuid(project_id)) return 0;
  std::int64_t bytes = 0;
  std::error_code code;
  for (fs::recursive_directory_iterator at(path_of(project_id), code); at != fs::recursive_directory_iterator();
       at.increment(code)) {
    if (code) break;
    std::error_code gone;
    if (at->symlink_status(gone).type() != fs::file_type::regular) continue;
    const std::uintmax_t size = at->file_size(gone);
    if (!gone) bytes += static_cast<std::int64_t>(size);
  }
  return bytes;
}

Error disk_full() {
  return {Code::kResourceExhausted, "the Service's disk is full; nothing was changed",
          "tell the administrator, and push again once there is space"};
}

bool is_tree_path(std::string_view path) {
  if (path.empty() || path.size() > 4096 || path.front() == '-') return false;
  for (const char c : path)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  for (const std::string& part : split(path, '/'))
    if (part.empty() || part == "." || part == ".." || lower(part) == ".git") return false;
  return true;
}

std::string make_utf8(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size();) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    const std::size_t length = c < 0x80                ? 1
                               : c >= 0xc2 && c < 0xe0 ? 2
                               : c >= 0xe0 && c < 0xf0 ? 3
                               : c >= 0xf0 && c < 0xf5 ? 4
                                                       : 0;
    bool valid = length > 0 && i + length <= bytes.size();
    for (std::size_t k = 1; valid && k < length; ++k) valid = (static_cast<unsigned char>(bytes[i + k]) & 0xc0) == 0x80;
    if (valid && length > 2) {  // overlong forms, surrogates and beyond U+10FFFF (RFC 3629 section 4)
      const auto next = static_cast<unsigned char>(bytes[i + 1]);
      valid = !((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) || (c == 0xf0 && next < 0x90) ||
                (c == 0xf4 && next > 0x8f));
    }
    if (valid)
      out.append(bytes.substr(i, length));
    else
      out.append("\xef\xbf\xbd");
    i += valid ? length : 1;
  }
  return out;
}

}  // namespace paastech::git
