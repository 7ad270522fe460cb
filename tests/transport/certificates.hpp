// Certificates for tests, made when they are needed.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace restante::test {

/// A folder of its own, gone with its files at the end.
class ScratchFolder {
 public:
  ScratchFolder() : path_{(std::filesystem::temp_directory_path() / "restante-XXXXXX").string()} {
    if (mkdtemp(path_.data()) == nullptr) {
      throw std::runtime_error{"no folder for the files of a test"};
    }
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() { std::filesystem::remove_all(path_); }

  std::string operator/(std::string_view name) const { return path_ + "/" + std::string{name}; }

 private:
  std::string path_;
};

/// What a certificate is made for.
struct CertificateWish {
  /// As OpenSSL writes them.
  std::string names = "DNS:localhost,IP:127.0.0.1";
  bool expired = false;
  /// Protects the key; empty for no password.
  std::string password = {};
};

/// An authority that signs certificates.
class Authority {
  template <auto free>
  struct Freed {
    template <class Object>
    void operator()(Object* object) const {
      free(object);
    }
  };
  using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
  using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

 public:
  explicit Authority(const char* name) : name_{name}, key_{make_key()}, certificate_{make(name, key_.get())} {
    add(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
    sign(certificate_.get());
  }

  /// Writes the authority's own certificate.
  void write(const std::string& file) const { write_certificate(certificate_.get(), file); }

  /// Writes a certificate and its key.
  void issue(const std::string& certificate_file, const std::string& key_file, const CertificateWish& wish = {}) const {
    const Key key = make_key();
    const Certificate certificate = make("a server", key.get(), wish.expired);
    add(certificate.get(), NID_subject_alt_name, wish.names.c_str());
    sign(certificate.get());
    write_certificate(certificate.get(), certificate_file);
    const File file{std::fopen(key_file.c_str(), "w")};
    const EVP_CIPHER* const cipher = wish.password.empty() ? nullptr : EVP_aes_128_cbc();
    check(PEM_write_PKCS8PrivateKey(file.get(), key.get(), cipher, wish.password.data(),
                                    static_cast<int>(wish.password.size()), nullptr, nullptr));
  }

 private:
  using File = std::unique_ptr<std::FILE, Freed<std::fclose>>;

  static void check(int result) {
    if (result <= 0) {
      throw std::runtime_error{"OpenSSL makes no certificate"};
    }
  }

  static Key make_key() {
    const std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>> maker{EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nullptr)};
    EVP_PKEY* key = nullptr;
    check(EVP_PKEY_keygen_init(maker.get()));
    check(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(maker.get(), NID_X9_62_prime256v1));
    check(EVP_PKEY_keygen(maker.get(), &key));
    return Key{key};
  }

  Certificate make(const char* subject, EVP_PKEY* key, bool expired = false) const {
    constexpr long day = 24L * 60 * 60;
    static long serial = 0;
    Certificate certificate{X509_new()};
    check(X509_set_version(certificate.get(), 2));
    check(ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial));
    check(X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -2 * day) != nullptr);
    check(X509_gmtime_adj(X509_getm_notAfter(certificate.get()), expired ? -day : day) != nullptr);
    check(X509_set_pubkey(certificate.get(), key));
    name(X509_get_subject_name(certificate.get()), subject);
    name(X509_get_issuer_name(certificate.get()), name_);
    return certificate;
  }

  static void name(X509_NAME* name, const char* text) {
    check(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text), -1, -1, 0));
  }

  static void add(X509* certificate, int what, const char* value) {
    const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension{
        X509V3_EXT_conf_nid(nullptr, nullptr, what, value)};
    check(X509_add_ext(certificate, extension.get(), -1));
  }

  void sign(X509* certificate) const { check(X509_sign(certificate, key_.get(), EVP_sha256())); }

  static void write_certificate(X509* certificate, const std::string& path) {
    const File file{std::fopen(path.c_str(), "w")};
    check(PEM_write_X509(file.get(), certificate));
  }

  const char* name_;
  Key key_;
  Certificate certificate_;
};

}  // namespace restante::test
