#include "rpc/certificate.h"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>  // EVP_EC_gen is a macro that calls strstr
#include <ctime>
#include <memory>

namespace paastech::rpc {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;

constexpr std::string_view kUriStart = "paastech://role/";
constexpr int kSerialBits = 127;  // RFC 5280 4.1.2.2: positive, at most 20 octets; random, so that none comes twice
constexpr int kLeastStrength = 128;

std::unexpected<Error> openssl_failed(const char* what) {
  char reason[256] = "no reason given";
  if (const unsigned long code = ::ERR_get_error(); code != 0) ::ERR_error_string_n(code, reason, sizeof reason);
  ::ERR_clear_error();
  return fail(Code::kInternal, fmt::format("cannot {}: OpenSSL says {}", what, reason));
}

std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Bio reader(const std::string& text) { return Bio(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// An encrypted key is no key here: the daemon has nobody to ask for a password.
int no_password(char*, int, int, void*) { return 0; }

Result<Key> parse_key(const std::string& text) {
  const Bio bio = reader(text);
  Key key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  ::ERR_clear_error();
  if (!key) return fail(Code::kFailedPrecondition, "holds no private key in PEM form without a password");
  return key;
}

Result<Certificate> parse_certificate(const std::string& text) {
  const Bio bio = reader(text);
  Certificate certificate(::PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
  ::ERR_clear_error();
  if (!certificate) return fail(Code::kFailedPrecondition, "holds no certificate in PEM form");
  return certificate;
}

bool add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  ::X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(::X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  return extension && ::X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  const Number serial(::BN_new());
  return serial && ::BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         ::BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate));
}

bool set_name(X509_NAME* name, const std::string& common) {
  const auto add = [name](const char* field, const std::string& value) {
    return ::X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                        reinterpret_cast<const unsigned char*>(value.data()),
                                        static_cast<int>(value.size()), -1, 0) == 1;
  };
  return add("O", "PaaSTech") && add("CN", common);
}

std::int64_t milliseconds(const ASN1_TIME* time) {
  std::tm parts{};
  if (::ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<std::int64_t>(::timegm(&parts)) * 1000;
}

// What both kinds have: version 3, a random serial, a name, a term, a public key.
Certificate blank(EVP_PKEY* key, const std::string& common, std::int64_t begins_ms, std::int64_t expires_ms) {
  Certificate made(::X509_new());
  if (!made || ::X509_set_version(made.get(), X509_VERSION_3) != 1 || !set_serial(made.get()) ||
      !set_name(X509_get_subject_name(made.get()), common) ||
      !::ASN1_TIME_set(X509_getm_notBefore(made.get()), begins_ms / 1000) ||
      !::ASN1_TIME_set(X509_getm_notAfter(made.get()), expires_ms / 1000) || ::X509_set_pubkey(made.get(), key) != 1)
    return nullptr;
  return made;
}

Result<std::string> signed_text(X509* certificate, EVP_PKEY* key) {
  const Bio out(::BIO_new(::BIO_s_mem()));
  if (!out || ::X509_sign(certificate, key, ::EVP_sha256()) == 0 || ::PEM_write_bio_X509(out.get(), certificate) != 1)
    return openssl_failed("sign a certificate");
  return text_of(out);
}

}  // namespace

std::string role_uri(std::string_view role) { return std::string(kUriStart) + std::string(role); }
std::string role_host(std::string_view role) { return std::string(role) + ".role.paastech.internal"; }

Result<std::string> make_key() {
  const Key key(EVP_EC_gen("P-256"));
  const Bio out(::BIO_new(::BIO_s_mem()));
  if (!key || !out || ::PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return openssl_failed("make a key");
  return text_of(out);
}

Result<std::string> make_authority_certificate(const std::string& key, std::int64_t now_ms) {
  TRY_ASSIGN(const Key own, parse_key(key));
  const Certificate made =
      blank(own.get(), "PaaSTech authority of the roles", now_ms - kBackdatedMs, now_ms + kAuthorityDays * kDayMs);
  if (!made || ::X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) != 1 ||
      !add_extension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(made.get(), made.get(), NID_subject_key_identifier, "hash"))
    return openssl_failed("make the authority's certificate");
  return signed_text(made.get(), own.get());
}

Result<std::string> make_role_certificate(const Signer& authority, const std::string& role_key, std::string_view role,
                                          std::int64_t now_ms) {
  TRY_ASSIGN(const Key signer, parse_key(authority.key));
  TRY_ASSIGN(const Certificate issuer, parse_certificate(authority.certificate));
  TRY_ASSIGN(const Key own, parse_key(role_key));
  const std::int64_t end = std::min(now_ms + kRoleDays * kDayMs, milliseconds(::X509_get0_notAfter(issuer.get())));
  const Certificate made = blank(own.get(), std::string(role), now_ms - kBackdatedMs, end);
  const std::string names = "URI:" + role_uri(role) + ",DNS:" + role_host(role);
  if (!made || ::X509_set_issuer_name(made.get(), X509_get_subject_name(issuer.get())) != 1 ||
      !add_extension(made.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(made.get(), issuer.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(made.get(), issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth") ||
      !add_extension(made.get(), issuer.get(), NID_subject_alt_name, names) ||
      !add_extension(made.get(), issuer.get(), NID_subject_key_identifier, "hash") ||
      !add_extension(made.get(), issuer.get(), NID_authority_key_identifier, "keyid:always"))
    return openssl_failed("make a role's certificate");
  return signed_text(made.get(), signer.get());
}

Result<CertificateFacts> read_certificate(const std::string& certificate) {
  TRY_ASSIGN(const Certificate parsed, parse_certificate(certificate));
  CertificateFacts facts;
  facts.authority = ::X509_check_ca(parsed.get()) == 1;
  facts.begins_ms = milliseconds(::X509_get0_notBefore(parsed.get()));
  facts.expires_ms = milliseconds(::X509_get0_notAfter(parsed.get()));
  const Names names(
      static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(parsed.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    const std::string_view text(reinterpret_cast<const char*>(::ASN1_STRING_get0_data(uri)),
                                static_cast<std::size_t>(::ASN1_STRING_length(uri)));
    if (text.starts_with(kUriStart)) facts.role = text.substr(kUriStart.size());
  }
  return facts;
}

Status check_key(const std::string& key) {
  TRY_ASSIGN(const Key own, parse_key(key));
  if (const int bits = ::EVP_PKEY_get_security_bits(own.get()); bits < kLeastStrength)
    return fail(Code::kFailedPrecondition,
                fmt::format("holds a weak key: it is worth {} bits, and {} are needed", bits, kLeastStrength));
  return {};
}

Status check_pair(const std::string& key, const std::string& certificate) {
  TRY_ASSIGN(const Key own, parse_key(key));
  TRY_ASSIGN(const Certificate of, parse_certificate(certificate));
  const bool same = ::X509_check_private_key(of.get(), own.get()) == 1;
  ::ERR_clear_error();
  if (!same) return fail(Code::kFailedPrecondition, "was made for another key");
  return {};
}

Status check_issuer(const std::string& certificate, const std::string& authority) {
  TRY_ASSIGN(const Certificate of, parse_certificate(certificate));
  TRY_ASSIGN(const Certificate issuer, parse_certificate(authority));
  const bool good = ::X509_verify(of.get(), X509_get0_pubkey(issuer.get())) == 1;
  ::ERR_clear_error();
  if (!good) return fail(Code::kFailedPrecondition, "was signed by another authority");
  return {};
}

}  // namespace paastech::rpc
