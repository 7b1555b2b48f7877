#include "base/secret.h"

#include <fmt/format.h>
#include <sodium.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <mutex>
#include <new>
#include <optional>
#include <tuple>

#include "base/ids.h"
#include "base/text.h"
#include "base/unicode.h"

namespace paastech {
namespace {

static_assert(kKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::string_view kOldForm = "v1:";
constexpr std::string_view kForm = "v2:";
constexpr const char* kPutBack =
    "set the value anew; where many fail, put back the secret.key that this database was written with";

unsigned char* room_in(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// A sealed value taken apart; no key where it has not the form.
struct Parts {
  std::string_view key;
  std::string_view body;  // base64
};

Parts parts_of(std::string_view sealed) {
  if (sealed.starts_with(kOldForm)) return {kFirstKeyId, sealed.substr(kOldForm.size())};
  if (!sealed.starts_with(kForm)) return {};
  sealed.remove_prefix(kForm.size());
  const std::size_t colon = sealed.find(':');
  if (colon == std::string_view::npos) return {};
  return {sealed.substr(0, colon), sealed.substr(colon + 1)};
}

std::optional<std::string> decrypt(const std::string& key, const std::string& raw, std::string_view context) {
  const std::string_view nonce = std::string_view(raw).substr(0, kNonceBytes);
  const std::string_view cipher = std::string_view(raw).substr(kNonceBytes);
  std::string plain(cipher.size(), '\0');
  unsigned long long size = 0;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(room_in(plain), &size, nullptr, bytes_of(cipher), cipher.size(),
                                                 bytes_of(context), context.size(), bytes_of(nonce),
                                                 bytes_of(key)) != 0)
    return std::nullopt;
  plain.resize(size);
  return plain;
}

// Tells one version of the file from another: it is only ever replaced whole.
using Stamp = std::tuple<dev_t, ino_t, off_t, time_t, long>;

Stamp stamp_of(const std::filesystem::path& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

// The file's keys, before them what only memory knows.
Keyring joined(const Keyring& known, const Keyring& stored) {
  std::vector<SealingKey> keys;
  for (const SealingKey& key : known.keys())
    if (stored.find(key.id) == nullptr) keys.push_back(key);
  keys.insert(keys.end(), stored.keys().begin(), stored.keys().end());
  return Keyring(std::move(keys));
}

}  // namespace

struct SecretBox::State {
  using Keys = std::shared_ptr<const Keyring>;
  State(std::filesystem::path path, Stamp stamp, Keyring ring)
      : file(std::move(path)), seen(stamp), keys(std::make_shared<const Keyring>(std::move(ring))) {}

  Keys known() {
    const std::lock_guard lock(mutex);
    return keys;
  }
  // The stamp is taken before the file is read: where it is replaced in between, it is read once more the next time.
  Keys current() {
    const std::lock_guard lock(mutex);
    if (file.empty()) return keys;
    const Stamp now = stamp_of(file);
    if (now == seen) return keys;
    seen = now;
    const Result<Keyring> read = read_keys(file);
    if (read)
      keys = std::make_shared<const Keyring>(joined(*keys, *read));
    else
      spdlog::error("{}; going on with the keys that were read before", read.error().message);
    return keys;
  }

  const std::filesystem::path file;  // empty: the keys never change
  std::mutex mutex;
  Stamp seen;  // guarded by the mutex, as are the keys
  Keys keys;
};

SecretBox::SecretBox(std::unique_ptr<State> state) : state_(std::move(state)) {}
SecretBox::SecretBox(SecretBox&&) noexcept = default;
SecretBox::~SecretBox() = default;

SecretBox::SecretBox(std::string key32) {
  key32.resize(kKeyBytes);
  Keyring one({{std::string(kFirstKeyId), std::move(key32), 0}});
  state_ = std::make_unique<State>(std::filesystem::path(), Stamp(), std::move(one));
}

Result<SecretBox> SecretBox::of_file(const std::filesystem::path& file) {
  const Stamp stamp = stamp_of(file);
  TRY_ASSIGN(Keyring keys, read_keys(file));
  return SecretBox(std::make_unique<State>(file, stamp, std::move(keys)));
}

std::string SecretBox::seal(std::string_view plain, std::string_view context) const {
  const State::Keys keys = state_->current();
  const SealingKey& key = keys->newest();
  const std::string nonce = random_bytes(kNonceBytes);
  std::string cipher(plain.size() + kTagBytes, '\0');
  unsigned long long size = 0;
  crypto_aead_xchacha20poly1305_ietf_encrypt(room_in(cipher), &size, bytes_of(plain), plain.size(), bytes_of(context),
                                             context.size(), nullptr, bytes_of(nonce), bytes_of(key.bytes));
  cipher.resize(size);
  return fmt::format("{}{}:{}", kForm, key.id, base64(nonce + cipher));
}

Result<std::string> SecretBox::open(std::string_view sealed, std::string_view context) const {
  const auto refuse = [context](const std::string& why) {
    return fail(Code::kInternal, fmt::format("the sealed value {} {}", context, why), kPutBack);
  };
  const Parts parts = parts_of(sealed);
  std::string raw;
  if (parts.key.empty() || !from_base64(parts.body, raw) || raw.size() < kNonceBytes + kTagBytes)
    return refuse("is damaged");
  State::Keys keys = state_->known();
  if (keys->find(parts.key) == nullptr) keys = state_->current();
  const SealingKey* key = keys->find(parts.key);
  if (key == nullptr) return refuse(fmt::format("was sealed with key {}, which secret.key does not hold", parts.key));
  std::optional<std::string> plain = decrypt(key->bytes, raw, context);
  if (!plain)
    return refuse(
        fmt::format("does not open with key {}: it was moved from elsewhere, changed, or sealed with another "
                    "key of that name",
                    parts.key));
  return std::move(*plain);
}

std::string SecretBox::newest_key() const { return state_->current()->newest().id; }

std::string_view sealing_key_of(std::string_view sealed) { return parts_of(sealed).key; }

std::string hash_password(std::string_view typed) {
  const std::string password = composed(typed);
  std::string out(crypto_pwhash_STRBYTES, '\0');
  if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                            crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13) != 0)
    throw std::bad_alloc();
  out.resize(out.find('\0'));
  return out;
}

bool verify_password(std::string_view hash, std::string_view typed) {
  const std::string password = composed(typed);
  const std::string terminated(hash);
  return crypto_pwhash_str_verify(terminated.c_str(), password.data(), password.size()) == 0;
}

}  // namespace paastech
