#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <memory>

#include "fake_server.h"
#include "support.h"

namespace {

using loupegrpc::Client;
using loupegrpc::Tls;

template <class T, void (*Free)(T*)>
struct With {
  void operator()(T* value) const { Free(value); }
};
using Key = std::unique_ptr<EVP_PKEY, With<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, With<X509, X509_free>>;

struct Issued {
  Key key;
  Certificate certificate;
};

template <class Write>
std::string Pem(const Write& write) {
  BIO* memory = BIO_new(BIO_s_mem());
  EXPECT_EQ(write(memory), 1);
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<std::size_t>(length));
  BIO_free(memory);
  return pem;
}

void Extend(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Writes NAME.pem and NAME.key into the folder, signed by the authority; by itself where there is none.
Issued Issue(const std::filesystem::path& folder, const std::string& name, const Issued* authority) {
  static int serial = 1;
  Issued issued{Key(EVP_EC_gen("P-256")), Certificate(X509_new())};
  X509* certificate = issued.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, issued.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* issuer = authority != nullptr ? authority->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  Extend(certificate, issuer, NID_basic_constraints, authority != nullptr ? "critical,CA:FALSE" : "critical,CA:TRUE");
  Extend(certificate, issuer, NID_subject_alt_name, "IP:127.0.0.1");
  EXPECT_GT(X509_sign(certificate, authority != nullptr ? authority->key.get() : issued.key.get(), EVP_sha256()), 0);
  std::ofstream(folder / (name + ".pem")) << Pem([&](BIO* to) { return PEM_write_bio_X509(to, certificate); });
  std::ofstream(folder / (name + ".key")) << Pem(
      [&](BIO* to) { return PEM_write_bio_PrivateKey(to, issued.key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  return issued;
}

TEST(Tls, BothSidesShowTheirCertificatesAndWhatIsNotTrustedIsNotTalkedTo) {
  const auto folder = TestFolder();
  const Issued authority = Issue(folder, "ca", nullptr);
  Issue(folder, "server", &authority);
  Issue(folder, "camera", &authority);
  const auto in = [&](const char* name) { return folder / name; };
  FakeServer server({AnswerAll},
                    FakeServer::Tls{ReadFile(in("ca.pem")), ReadFile(in("server.pem")), ReadFile(in("server.key"))});
  const auto asking = [&](const std::optional<Tls>& tls) {
    auto options = At(server.address());
    options.tls = tls;
    options.unary_retries = 0;
    return Client(options).ServerInfo(kPatience).server;
  };
  EXPECT_EQ(asking(Tls::FromFiles(in("ca.pem"), in("camera.pem"), in("camera.key"))), "fake");
  EXPECT_THROW(asking(Tls::FromFiles(in("ca.pem"))), loupegrpc::UnavailableError);
  EXPECT_THROW(asking(Tls::FromFiles("", in("camera.pem"), in("camera.key"))), loupegrpc::UnavailableError);
  EXPECT_THROW(asking(std::nullopt), loupegrpc::UnavailableError);
  // A key of another certificate.
  const auto message = MessageOf<loupegrpc::UnavailableError>(
      [&] { asking(Tls::FromFiles(in("ca.pem"), in("camera.pem"), in("server.key"))); });
  EXPECT_NE(message.find("Tls::private_key is not that of Tls::certificate"), std::string::npos) << message;

  auto options = At(server.address());
  options.tls = Tls::FromFiles(in("ca.pem"), in("camera.pem"), in("camera.key"));
  auto session = Client(options).OpenSession({}, kPatience);
  session.Send(TextFrame(0), kPatience);
  EXPECT_EQ(session.Complete(kPatience).frames, 1U);

  EXPECT_THROW(Tls::FromFiles(in("none.pem")), std::system_error);
  EXPECT_THROW(Tls::FromFiles(in("ca.key")), std::invalid_argument);
  EXPECT_THROW(Tls::FromFiles("", in("camera.pem")), std::invalid_argument);
  EXPECT_THROW(Tls::FromFiles("", in("camera.pem"), in("camera.pem")), std::invalid_argument);
}

}  // namespace
