#include <boost/asio/ssl/stream.hpp>
#include <thread>

#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include "certificates.hpp"
#include "websocket_support.hpp"

namespace restante::test {
namespace {

namespace ssl = boost::asio::ssl;
using Log = std::vector<std::string>;
using testing::HasSubstr;

// An authority, and a certificate that it issued, in files.
struct Certified {
  explicit Certified(const CertificateWish& wish = {}, const char* authority_name = "an authority")
      : authority{authority_name} {
    authority.write(ca_file);
    authority.issue(tls.certificate_chain_file, tls.private_key_file, wish);
  }

  ScratchFolder folder;
  std::string ca_file = folder / "authority.pem";
  TlsServerOptions tls{.certificate_chain_file = folder / "certificate.pem", .private_key_file = folder / "key.pem"};
  Authority authority;
};

// A server with TLS, and what it warns of.
struct TlsServer : Certified {
  explicit TlsServer(WebSocketServerOptions options = {}, const CertificateWish& wish = {})
      : Certified{wish}, server{completed(std::move(options))} {}

  WebSocketServerOptions completed(WebSocketServerOptions options) {
    options.tls = tls;
    options.on_warning = [this](const WebSocketWarning& warning) {
      EXPECT_EQ(warning.kind, WebSocketWarning::Kind::tls_failed);
      warnings.emplace_back(warning.text);
    };
    return options;
  }

  std::uint16_t port() const { return server.transport.port(); }

  Log warnings;
  Server server;
};

// A client of ours, with a recording listener.
struct OurClient {
  OurClient(boost::asio::io_context& context, std::uint16_t port, TlsClientOptions tls, std::string host = "127.0.0.1")
      : transport{context, {.host = std::move(host), .port = port, .tls = std::move(tls)}}, context_{context} {
    transport.start(listener);
    name = transport.open();
  }
  OurClient(TlsServer& server, TlsClientOptions tls, std::string host = "127.0.0.1")
      : OurClient{server.server.context, server.port(), std::move(tls), std::move(host)} {}
  explicit OurClient(TlsServer& server) : OurClient{server, {.ca_file = server.ca_file}} {}
  OurClient(const OurClient&) = delete;
  OurClient& operator=(const OurClient&) = delete;
  ~OurClient() { transport.stop(); }

  /// Gives why it could not connect; nothing when it could.
  std::string outcome() {
    run_until(context_, [&] { return !listener.connections.empty() || !listener.ends.empty(); });
    return !listener.ends.empty() ? listener.ends[0].reason : !listener.connections.empty() ? "" : "nothing";
  }

  RecordingListener listener;
  TestedClient transport;
  Connection name;

 private:
  boost::asio::io_context& context_;
};

// A socket that sends a few bytes at a time.
class Dripping {
 public:
  using executor_type = boost::asio::ip::tcp::socket::executor_type;
  using lowest_layer_type = boost::asio::ip::tcp::socket;

  explicit Dripping(boost::asio::io_context& context) : socket_{context} {}

  executor_type get_executor() { return socket_.get_executor(); }
  lowest_layer_type& lowest_layer() { return socket_; }
  void send_at_most(std::size_t bytes) { bytes_max_ = bytes; }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    const boost::asio::const_buffer first = *boost::asio::buffer_sequence_begin(buffers);
    return socket_.async_write_some(boost::asio::buffer(first, bytes_max_), std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return socket_.async_read_some(buffers, std::forward<Handler>(handler));
  }

 private:
  boost::asio::ip::tcp::socket socket_;
  std::size_t bytes_max_ = std::size_t{1} << 20U;
};

// A peer that speaks TLS by other means than ours, and whose frames the test decides about.
class TlsPeer {
 public:
  TlsPeer(boost::asio::io_context& context, std::uint16_t port)
      : context_{context}, peer_{std::make_shared<Peer>(context)} {
    peer_->stream.lowest_layer().connect({boost::asio::ip::address_v4::loopback(), port});
    peer_->stream.lowest_layer().set_option(boost::asio::ip::tcp::no_delay{true});
  }
  explicit TlsPeer(TlsServer& server) : TlsPeer{server.server.context, server.port()} {}
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;
  ~TlsPeer() { cut(); }

  SSL* handle() { return peer_->stream.native_handle(); }
  Dripping& socket() { return peer_->stream.next_layer(); }

  /// Speaks this version of TLS and no other.
  void speak(int version) {
    // OpenSSL wants to be asked for old versions twice.
    SSL_set_cipher_list(handle(), "DEFAULT@SECLEVEL=0");
    SSL_set_min_proto_version(handle(), version);
    SSL_set_max_proto_version(handle(), version);
  }

  /// Gives the error, or "".
  std::string shake_hands() {
    return finish([&](auto done) { peer_->stream.async_handshake(ssl::stream_base::client, done); });
  }

  bool upgrade() {
    if (!shake_hands().empty() || !send(upgrade_request()).empty()) {
      return false;
    }
    std::string& received = peer_->received;
    read_until([&] { return received.find("\r\n\r\n") != std::string::npos; });
    const bool upgraded = received.starts_with("HTTP/1.1 101 ");
    received.erase(0, received.find("\r\n\r\n") + 4);
    return upgraded;
  }

  /// Gives the error, or "".
  std::string send(std::string bytes) {
    const auto kept = std::make_shared<std::string>(std::move(bytes));
    return finish([&](auto done) {
      boost::asio::async_write(peer_->stream, boost::asio::buffer(*kept),
                               [kept, done](const auto& error, std::size_t) { done(error); });
    });
  }

  /// Reads a frame; or "ended" when the server said that it ends, and "cut" when it ended without saying so.
  std::string read() {
    std::optional<std::string> frame;
    read_until([&] { return (frame = take_frame(peer_->received)).has_value(); });
    return frame ? *frame : !peer_->end ? "nothing" : peer_->end == boost::asio::error::eof ? "ended" : "cut";
  }

  /// Says that nothing more comes (close_notify), and waits for the same from the server.
  std::string say_end() {
    return finish([&](auto done) { peer_->stream.async_shutdown(done); });
  }

  void cut() { peer_->stream.lowest_layer().close(); }

  /// The certificate of the server, as a number.
  std::string certificate() {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate{SSL_get_peer_certificate(handle()), &X509_free};
    return certificate ? std::to_string(ASN1_INTEGER_get(X509_get_serialNumber(certificate.get()))) : "none";
  }

 private:
  // Lives as long as an operation is under way.
  struct Peer {
    explicit Peer(boost::asio::io_context& context) : stream{context, settings} {}
    ssl::context settings{ssl::context::tls_client};
    ssl::stream<Dripping> stream;
    std::array<char, 65536> buffer{};
    std::string received;
    boost::system::error_code end;
    bool listening = false;
  };

  template <class Operation>
  std::string finish(Operation&& operation) {
    const auto result = std::make_shared<std::optional<boost::system::error_code>>();
    operation([peer = peer_, result](const boost::system::error_code& error) { *result = error; });
    run_until(context_, [&] { return result->has_value(); });
    return !result->has_value() ? "nothing" : **result ? (*result)->message() : "";
  }

  template <class Condition>
  void read_until(Condition condition) {
    run_until(context_, [&] {
      if (condition() || peer_->end) {
        return true;
      }
      if (!std::exchange(peer_->listening, true)) {
        peer_->stream.async_read_some(boost::asio::buffer(peer_->buffer),
                                      [peer = peer_](const auto& error, auto bytes) {
                                        peer->received.append(peer->buffer.data(), bytes);
                                        peer->listening = false;
                                        peer->end = error;
                                      });
      }
      return false;
    });
  }

  boost::asio::io_context& context_;
  std::shared_ptr<Peer> peer_;
};

TEST(WebSocketTls, CarriesMessagesBetweenAServerAndAClientThatTrustsItsAuthority) {
  TlsServer tls;
  tls.server.echo();
  for (const std::string host : {"127.0.0.1", "localhost"}) {
    OurClient client{tls, {.ca_file = tls.ca_file}, host};
    ASSERT_EQ(client.outcome(), "") << host;
    client.transport.send(client.name, as_bytes("one"));
    ASSERT_TRUE(tls.server.until([&] { return client.listener.messages == Log{"one"}; }));
    client.transport.close(client.name, 1000, "done");
    ASSERT_TRUE(tls.server.until([&] { return !client.listener.ends.empty(); }));
    EXPECT_EQ(client.listener.ends[0].code, 1000);
  }
  ASSERT_TRUE(tls.server.until_closed(2));
  EXPECT_EQ(tls.server.listener.ends[1].reason, "done");
  EXPECT_EQ(tls.warnings, Log{});
}

TEST(WebSocketTls, NegotiatesASubprotocolAndHoldsBothSidesToItsLimits) {
  const Certified certified;
  Server server{{.tls = certified.tls}, {{"one", 100'000}}};
  server.echo();
  RecordingListener listener;
  listener.spoken = {{"zero", 10}, {"one", 90'000}};
  TestedClient client{server.context,
                      {.port = server.transport.port(), .tls = TlsClientOptions{.ca_file = certified.ca_file}}};
  client.start(listener);
  const Connection name = client.open();
  ASSERT_TRUE(server.until([&] { return !listener.connections.empty(); }));
  EXPECT_EQ(listener.negotiated, Log{"one"});
  EXPECT_EQ(server.listener.negotiated, Log{"one"});
  client.send(name, as_bytes(std::string(90'000, 'x')));
  client.send(name, as_bytes(std::string(90'001, 'x')));
  ASSERT_TRUE(server.until_closed());
  EXPECT_EQ(listener.messages, Log{std::string(90'000, 'x')});
  EXPECT_EQ(server.listener.messages.size(), 2U);
  EXPECT_EQ(server.listener.ends[0].code, 1009);
  client.stop();
}

TEST(WebSocketTls, AClientCopesWithAServerThatAnswersAtOnce) {
  TlsServer tls;
  std::thread other{[&] { tls.server.transport.run(); }};
  boost::asio::io_context context;
  for (int count = 0; count < 100; ++count) {
    OurClient client{context, tls.port(), {.ca_file = tls.ca_file}};
    const std::string outcome = client.outcome();
    EXPECT_EQ(outcome, "");
    if (!outcome.empty()) {
      break;
    }
  }
  tls.server.transport.stop_running();
  other.join();
}

TEST(WebSocketTls, AClientRefusesACertificateForAnotherName) {
  TlsServer tls;
  OurClient name{tls, {.ca_file = tls.ca_file, .server_name = "other.example"}};
  EXPECT_EQ(name.outcome(), "the certificate of the server is not accepted: hostname mismatch");
  OurClient address{tls, {.ca_file = tls.ca_file, .server_name = "127.0.0.2"}};
  EXPECT_EQ(address.outcome(), "the certificate of the server is not accepted: IP address mismatch");
  OurClient right{tls, {.ca_file = tls.ca_file, .server_name = "localhost"}};
  EXPECT_EQ(right.outcome(), "");
  EXPECT_EQ(tls.server.listener.connections.size(), 1U);
}

TEST(WebSocketTls, AClientAcceptsACertificateForAllNamesOfADomain) {
  TlsServer tls{{}, {.names = "DNS:*.mail.example"}};
  OurClient below{tls, {.ca_file = tls.ca_file, .server_name = "one.mail.example"}};
  EXPECT_EQ(below.outcome(), "");
  OurClient deeper{tls, {.ca_file = tls.ca_file, .server_name = "one.two.mail.example"}};
  EXPECT_THAT(deeper.outcome(), HasSubstr("hostname mismatch"));
}

TEST(WebSocketTls, AClientTellsTheServerTheNameThatItAsksFor) {
  boost::asio::io_context context;
  boost::asio::ip::tcp::acceptor acceptor{context, {boost::asio::ip::address_v4::loopback(), 0}};
  OurClient client{context, acceptor.local_endpoint().port(), {.server_name = "mail.example"}};
  boost::asio::ip::tcp::socket peer{context};
  std::string hello(4000, ' ');
  bool read = false;
  acceptor.async_accept(peer, [&](const auto&) {
    peer.async_read_some(boost::asio::buffer(hello), [&](const auto&, std::size_t) { read = true; });
  });
  ASSERT_TRUE(run_until(context, [&] { return read; }));
  EXPECT_THAT(hello, HasSubstr("mail.example"));
}

TEST(WebSocketTls, AClientSaysThatANameIsImpossible) {
  TlsServer tls;
  OurClient impossible{tls, {.ca_file = tls.ca_file, .server_name = std::string(300, 'x')}};
  EXPECT_THAT(impossible.outcome(), HasSubstr("cannot be the name of a TLS server"));
}

TEST(WebSocketTls, AClientRefusesACertificateOfAnUnknownAuthority) {
  TlsServer tls;
  const Certified other{{}, "another authority"};
  OurClient client{tls, {.ca_file = other.ca_file}};
  EXPECT_THAT(client.outcome(), HasSubstr("the certificate of the server is not accepted: "));
  ASSERT_TRUE(tls.server.until([&] { return !tls.warnings.empty(); })) << "the server hears why";
  EXPECT_THAT(tls.warnings[0], HasSubstr("The TLS handshake with 127.0.0.1:"));
  EXPECT_THAT(tls.warnings[0], HasSubstr("unknown ca"));
  OurClient trusting_the_system{tls, {}};
  EXPECT_THAT(trusting_the_system.outcome(), HasSubstr("the certificate of the server is not accepted: "));
  EXPECT_TRUE(tls.server.listener.log.empty());
}

TEST(WebSocketTls, AClientRefusesACertificateThatHasExpired) {
  TlsServer tls{{}, {.expired = true}};
  OurClient client{tls};
  EXPECT_EQ(client.outcome(), "the certificate of the server is not accepted: certificate has expired");
}

TEST(WebSocketTls, AClientThatIsToldSoVerifiesNothing) {
  TlsServer tls{{}, {.names = "DNS:other.example", .expired = true}};
  OurClient client{tls, {.verify = false}};
  EXPECT_EQ(client.outcome(), "");
}

TEST(WebSocketTls, SpeaksVersions12And13AndNoOther) {
  TlsServer tls;
  tls.server.echo();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsPeer peer{tls};
    peer.speak(version);
    ASSERT_TRUE(peer.upgrade()) << SSL_get_version(peer.handle());
    peer.send(binary("one"));
    EXPECT_EQ(peer.read(), "binary one");
  }
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    tls.warnings.clear();
    TlsPeer peer{tls};
    peer.speak(version);
    EXPECT_NE(peer.shake_hands(), "");
    ASSERT_EQ(tls.warnings.size(), 1U);
    EXPECT_THAT(tls.warnings[0], HasSubstr("unsupported protocol"));
  }
}

TEST(WebSocketTls, RefusesToNegotiateAgain) {
  TlsServer tls;
  TlsPeer peer{tls};
  peer.speak(TLS1_2_VERSION);
  ASSERT_TRUE(peer.upgrade());
  ASSERT_EQ(SSL_renegotiate(peer.handle()), 1);
  EXPECT_THAT(peer.shake_hands(), HasSubstr("no renegotiation"));
}

TEST(WebSocketTls, SaysToARequestWithoutTlsThatItHasToComeWithIt) {
  TlsServer tls;
  RawClient plain = tls.server.connect();
  plain.ask();
  EXPECT_EQ(plain.read_response(), "400 Bad Request");
  EXPECT_EQ(plain.read_all(), "This port speaks TLS: use wss:// or https://.\n");
  ASSERT_EQ(tls.warnings.size(), 1U);
  EXPECT_THAT(tls.warnings[0], HasSubstr("127.0.0.1:"));
  EXPECT_THAT(tls.warnings[0], HasSubstr("sent a request without TLS"));
  OurClient client{tls};
  EXPECT_EQ(client.outcome(), "") << "the others are served";
}

TEST(WebSocketTls, SaysToAHandshakeOfTlsOnAPlainPortThatThereIsNone) {
  Log warnings;
  Server server{{.on_warning = [&](const WebSocketWarning& warning) { warnings.emplace_back(warning.text); }}};
  OurClient client{server.context, server.transport.port(), {.verify = false}};
  EXPECT_THAT(client.outcome(), HasSubstr("the TLS handshake failed: "));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("speaks TLS: on this port it has to be ws:// or http://"));
  EXPECT_TRUE(server.listener.log.empty());
}

TEST(WebSocketTls, EndsAConnectionThatSendsNonsense) {
  TlsServer tls;
  for (const std::string& nonsense :
       {std::string(1000, '\xff'), std::string(20'000, '\0'), "\x16\x03\x01\x40\x00" + std::string(20'000, 'x')}) {
    tls.warnings.clear();
    RawClient client = tls.server.connect();
    client.send(nonsense);
    client.read_all();
    EXPECT_EQ(tls.warnings.size(), 1U);
  }
  TlsPeer peer{tls};
  EXPECT_TRUE(peer.upgrade()) << "the others are served";
  boost::asio::write(peer.socket().lowest_layer(), boost::asio::buffer(std::string(100, 'x')));
  ASSERT_TRUE(tls.server.until_closed()) << "nonsense in the middle of a connection";
  EXPECT_EQ(tls.server.listener.ends[0].code, 1006);
}

TEST(WebSocketTls, EndsAHandshakeThatTakesTooLong) {
  TlsServer tls{{.handshake_timeout = 30ms}};
  RawClient silent = tls.server.connect();
  EXPECT_EQ(silent.read(), "ended");
  RawClient slow = tls.server.connect();
  slow.send("\x16\x03\x01");
  EXPECT_NE(slow.read(), "nothing");
  TlsPeer secured{tls};
  ASSERT_EQ(secured.shake_hands(), "");
  EXPECT_NE(secured.read(), "nothing") << "the request is part of the handshake";
  EXPECT_TRUE(tls.server.listener.log.empty());
}

TEST(WebSocketTls, AClientGivesUpAServerThatDoesNotAnswer) {
  boost::asio::io_context context;
  boost::asio::ip::tcp::acceptor silent{context, {boost::asio::ip::address_v4::loopback(), 0}};
  RecordingListener listener;
  TestedClient transport{
      context, {.port = silent.local_endpoint().port(), .tls = TlsClientOptions{}, .handshake_timeout = 30ms}};
  transport.start(listener);
  transport.open();
  ASSERT_TRUE(run_until(context, [&] { return !listener.ends.empty(); }));
  EXPECT_EQ(listener.ends[0].reason, "the handshake took too long");
  transport.stop();
}

TEST(WebSocketTls, TakesRecordsInPieces) {
  TlsServer tls;
  tls.server.echo();
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{7}}) {
    TlsPeer peer{tls};
    peer.socket().send_at_most(bytes);
    ASSERT_TRUE(peer.upgrade());
    const std::string message(3000, 'x');
    peer.send(binary(message) + binary("two"));
    EXPECT_EQ(peer.read(), "binary " + message);
    EXPECT_EQ(peer.read(), "binary two");
  }
}

TEST(WebSocketTls, TakesRecordsThatAreLargerThanItsBuffer) {
  TlsServer tls{{.read_buffer_bytes = 100}};
  tls.server.echo();
  TlsPeer peer{tls};
  ASSERT_TRUE(peer.upgrade());
  const std::string message(60'000, 'x');
  peer.send(binary(message) + binary("two"));
  EXPECT_EQ(peer.read(), "binary " + message);
  EXPECT_EQ(peer.read(), "binary two");
}

TEST(WebSocketTls, CarriesLargeAndManyMessagesBothWays) {
  TlsServer tls;
  tls.server.echo();
  OurClient client{tls};
  ASSERT_EQ(client.outcome(), "");
  Log sent;
  std::size_t length = 0;
  for (int count = 0; count < 600; ++count) {
    length = (length * 7 + 13) % (count % 10 == 0 ? 60'000 : 300);
    sent.push_back(std::to_string(count) + std::string(length, static_cast<char>('a' + count % 26)));
    client.transport.send(client.name, as_bytes(sent.back()));
  }
  ASSERT_TRUE(tls.server.until([&] { return client.listener.messages.size() == sent.size(); }));
  EXPECT_EQ(client.listener.messages, sent);
}

TEST(WebSocketTls, FollowsAPeerThatChangesItsKeys) {
  TlsServer tls;
  tls.server.echo();
  TlsPeer peer{tls};
  ASSERT_TRUE(peer.upgrade());
  for (const std::string message : {"one", "two", "three"}) {
    ASSERT_EQ(SSL_key_update(peer.handle(), SSL_KEY_UPDATE_REQUESTED), 1);
    peer.send(binary(message));
    EXPECT_EQ(peer.read(), "binary " + message);
  }
}

TEST(WebSocketTls, KeepsWhatWasReadWhilePausedAndGoesOnInOrder) {
  TlsServer tls;
  tls.server.listener.on_received = [&](Connection connection, BytesView message) {
    tls.server.transport.send(connection, message);
    if (as_text(message) == "stop") {
      tls.server.transport.pause(connection);
    }
  };
  TlsPeer peer{tls};
  ASSERT_TRUE(peer.upgrade());
  peer.send(binary("one") + binary("stop") + binary("two"));
  EXPECT_EQ(peer.read(), "binary one");
  EXPECT_EQ(peer.read(), "binary stop");
  peer.send(binary("three"));
  peer.send(close_frame(1000));
  tls.server.context.poll();
  EXPECT_EQ(tls.server.listener.messages, (Log{"one", "stop"}));
  tls.server.transport.resume(tls.server.listener.connections.at(0));
  EXPECT_EQ(peer.read(), "binary two");
  EXPECT_EQ(peer.read(), "binary three");
  EXPECT_EQ(peer.read(), "close 1000");
  EXPECT_EQ(peer.read(), "ended");
}

TEST(WebSocketTls, CountsWhatWaitsForASlowReaderAndTellsWhenItHasLeft) {
  TlsServer tls;
  TlsPeer peer{tls};
  ASSERT_TRUE(peer.upgrade());
  const Connection connection = tls.server.listener.connections.at(0);
  // Until the kernel takes no more.
  const std::string message(60'000, 'x');
  std::size_t waiting = 0;
  std::size_t messages = 0;
  while (waiting < 1'000'000) {
    waiting = tls.server.transport.send(connection, as_bytes(message));
    ++messages;
    if (waiting < 1'000'000) {
      tls.server.context.poll();
    }
  }
  tls.server.transport.pause(connection);
  tls.server.context.poll();
  EXPECT_EQ(tls.server.listener.count("drained"), 0);
  for (std::size_t count = 0; count < messages; ++count) {
    ASSERT_EQ(peer.read(), "binary " + message);
  }
  EXPECT_TRUE(tls.server.until([&] { return tls.server.listener.count("drained") == 1; }));
}

TEST(WebSocketTls, AnswersACloseFrameAndSaysThatItEnds) {
  TlsServer tls;
  tls.server.echo();
  TlsPeer peer{tls};
  ASSERT_TRUE(peer.upgrade());
  peer.send(binary("last") + close_frame(1000));
  EXPECT_EQ(peer.read(), "binary last");
  EXPECT_EQ(peer.read(), "close 1000");
  EXPECT_EQ(peer.read(), "ended");
  EXPECT_EQ(tls.server.listener.ends.at(0).code, 1000);
}

TEST(WebSocketTls, APeerThatClosesStillGetsWhatWasSent) {
  TlsServer tls;
  tls.server.echo();
  TlsPeer peer{tls};
  ASSERT_TRUE(peer.upgrade());
  const std::string message(60'000, 'x');
  for (int count = 0; count < 20; ++count) {
    peer.send(binary(message));
  }
  peer.send(close_frame(1000));
  for (int count = 0; count < 20; ++count) {
    ASSERT_EQ(peer.read(), "binary " + message);
  }
  EXPECT_EQ(peer.read(), "close 1000");
  EXPECT_EQ(peer.read(), "ended");
}

TEST(WebSocketTls, ReportsAPeerThatEndsWithoutClosing) {
  TlsServer tls;
  TlsPeer polite{tls};
  ASSERT_TRUE(polite.upgrade());
  EXPECT_EQ(polite.say_end(), "");
  ASSERT_TRUE(tls.server.until_closed());
  EXPECT_EQ(tls.server.listener.ends[0].code, 1006);
  TlsPeer rude{tls};
  ASSERT_TRUE(rude.upgrade());
  rude.cut();
  ASSERT_TRUE(tls.server.until_closed(2));
  EXPECT_EQ(tls.server.listener.ends[1].code, 1006);
  EXPECT_EQ(tls.server.listener.ends[1].reason, tls.server.listener.ends[0].reason);
}

TEST(WebSocketTls, ClosesConnectionsWhenItShutsDownOrStops) {
  TlsServer tls;
  TlsPeer first{tls};
  ASSERT_TRUE(first.upgrade());
  TlsPeer secured{tls};
  ASSERT_EQ(secured.shake_hands(), "");
  RawClient silent = tls.server.connect();
  ASSERT_TRUE(tls.server.context.poll() > 0);
  tls.server.transport.stop();
  EXPECT_EQ(first.read(), "close 1001");
  EXPECT_EQ(first.read(), "ended");
  EXPECT_EQ(secured.read(), "ended");
  EXPECT_EQ(silent.read(), "ended");

  TlsServer graceful;
  TlsPeer peer{graceful};
  ASSERT_TRUE(peer.upgrade());
  graceful.server.transport.shut_down();
  EXPECT_EQ(peer.read(), "close 1001");
  peer.send(close_frame(1001));
  EXPECT_EQ(peer.read(), "ended");
}

TEST(WebSocketTls, ReadsItsCertificateAgainForNewConnections) {
  TlsServer tls;
  tls.server.echo();
  TlsPeer before{tls};
  ASSERT_TRUE(before.upgrade());
  tls.authority.issue(tls.tls.certificate_chain_file, tls.tls.private_key_file);
  TlsPeer unchanged{tls};
  ASSERT_TRUE(unchanged.upgrade());
  EXPECT_EQ(unchanged.certificate(), before.certificate());
  EXPECT_EQ(tls.server.transport.reload_tls(), "");
  TlsPeer after{tls};
  ASSERT_TRUE(after.upgrade());
  EXPECT_NE(after.certificate(), before.certificate());
  for (TlsPeer* const peer : {&before, &after}) {
    peer->send(binary("one"));
    EXPECT_EQ(peer->read(), "binary one");
  }
}

TEST(WebSocketTls, KeepsItsCertificateWhenTheNewOneCannotBeUsed) {
  TlsServer tls;
  TlsPeer before{tls};
  ASSERT_TRUE(before.upgrade());
  std::filesystem::remove(tls.tls.certificate_chain_file);
  EXPECT_EQ(tls.server.transport.reload_tls(),
            "cannot read the TLS certificate \"" + tls.tls.certificate_chain_file + "\": No such file or directory");
  tls.authority.issue(tls.tls.certificate_chain_file, tls.folder / "another_key.pem");
  EXPECT_THAT(tls.server.transport.reload_tls(), HasSubstr(tls.tls.private_key_file));
  TlsPeer after{tls};
  ASSERT_TRUE(after.upgrade());
  EXPECT_EQ(after.certificate(), before.certificate());
}

// What a server says that is made with these files.
std::string complaint(const TlsServerOptions& tls) {
  try {
    const TestedServer server{{.port = 0, .tls = tls}};
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(WebSocketTls, SaysWhichFileItCannotUse) {
  const Certified good;
  const auto& [certificate, key] = good.tls;
  EXPECT_EQ(complaint(good.tls), "");
  EXPECT_EQ(complaint({good.folder / "none", key}),
            "cannot read the TLS certificate \"" + good.folder / "none" + "\": No such file or directory");
  EXPECT_EQ(complaint({certificate, good.folder / "none"}), "cannot read the private key of the TLS certificate \"" +
                                                                good.folder / "none" + "\": No such file or directory");
  EXPECT_THAT(complaint({good.folder / "", key}), HasSubstr("it is empty, or cannot be read"));
  EXPECT_THAT(complaint({key, key}), HasSubstr("cannot use the TLS certificate \"" + key + "\": "));
  EXPECT_THAT(complaint({certificate, certificate}),
              HasSubstr("cannot use the private key of the TLS certificate \"" + certificate + "\": "));
  const Certified other;
  EXPECT_THAT(complaint({certificate, other.tls.private_key_file}), HasSubstr("key values mismatch"));
  const Certified locked{{.password = "secret words"}};
  EXPECT_THAT(complaint(locked.tls), HasSubstr("a password protects it"));
}

TEST(WebSocketTls, AClientSaysWhichFileItCannotUse) {
  const Certified good;
  const auto complaint_about = [](const std::string& file) -> std::string {
    try {
      const TestedClient client{{.tls = TlsClientOptions{.ca_file = file}}};
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(complaint_about(good.ca_file), "");
  EXPECT_EQ(complaint_about(good.folder / "none"),
            "cannot read the certificates of authorities \"" + good.folder / "none" + "\": No such file or directory");
  EXPECT_THAT(complaint_about(good.tls.private_key_file),
              HasSubstr("cannot use the certificates of authorities \"" + good.tls.private_key_file + "\": "));
}

}  // namespace
}  // namespace restante::test
