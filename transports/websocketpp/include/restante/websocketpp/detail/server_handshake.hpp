// The server's part of the opening handshake (RFC 6455, section 4.2), and plain HTTP.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/websocketpp/detail/engine.hpp>
#include <restante/websocketpp/detail/origin.hpp>
#include <restante/websocketpp/options.hpp>

namespace restante::websocketpp_detail {

/// What a server answers to a request.
struct Verdict {
  /// Is a WebSocket connection from now on.
  bool upgraded = false;
  /// The bytes of the answer.
  std::string answer = {};
  /// The subprotocol that was chosen.
  std::string protocol = {};
  /// Something that an operator should know, or nothing.
  std::string warning = {};
  WebsocketppWarning::Kind kind = {};
};

/// What a peer sent, fit for a line of a log.
inline std::string printable(std::string_view text) {
  constexpr std::size_t length_max = 200;
  std::string result{text.substr(0, length_max)};
  std::replace_if(
      result.begin(), result.end(), [](char character) { return character < ' ' || character == '\x7f'; }, '?');
  return result;
}

/// A whole HTTP answer, after which the connection is closed.
inline std::string http_answer(const HttpResponse& response, bool with_body = true) {
  HandshakeResponse answer;
  answer.set_version("HTTP/1.1");
  answer.set_status(static_cast<::websocketpp::http::status_code::value>(response.status));
  answer.replace_header("Connection", "close");
  answer.replace_header("Content-Type", response.content_type);
  answer.replace_header("Content-Length", std::to_string(response.body.size()));
  for (const auto& [name, value] : response.headers) {
    RESTANTE_ASSERT((name + value).find_first_of("\r\n") == std::string::npos,
                    "a header line of a response must not hold a line break");
    answer.replace_header(name, value);
  }
  std::string bytes = answer.raw();
  if (with_body) {
    bytes += response.body;
  }
  return bytes;
}

/// An answer in one sentence.
inline std::string http_refusal(unsigned status, std::string_view sentence,
                                std::vector<std::pair<std::string, std::string>> headers = {}) {
  return http_answer({.status = status, .body = std::string{sentence} + "\n", .headers = std::move(headers)});
}

/// Answers a request that does not ask for a WebSocket.
inline std::string answer_plain_request(const HandshakeRequest& request,
                                        Callback<HttpResponse(const HttpRequest&)>& ask) {
  if (!ask) {
    return http_refusal(426, "This is a WebSocket server, and has no pages.", {{"Upgrade", "websocket"}});
  }
  std::vector<HttpHeader> headers;
  for (const auto& [name, value] : request.get_headers()) {
    headers.push_back({name, value});
  }
  const HttpResponse response =
      ask(HttpRequest{.method = request.get_method(), .target = request.get_uri(), .headers = headers});
  return http_answer(response, request.get_method() != "HEAD");
}

/// The first subprotocol offered that is spoken, or nothing.
inline std::string choose_subprotocol(Engine& engine, const HandshakeRequest& request,
                                      const std::vector<std::string>& spoken) {
  std::vector<std::string> offered;
  if (engine.extract_subprotocols(request, offered)) {
    return {};
  }
  const auto chosen = std::find_if(offered.begin(), offered.end(), [&](const std::string& name) {
    return std::find(spoken.begin(), spoken.end(), name) != spoken.end();
  });
  return chosen != offered.end() ? *chosen : std::string{};
}

/// What the server knows besides the request.
struct HandshakeSurroundings {
  WebsocketppServerOptions& options;
  bool full = false;
};

/// Decides about a complete request.
inline Verdict decide(Engine& engine, const HandshakeRequest& request, const HandshakeSurroundings& surroundings) {
  namespace processor = ::websocketpp::processor;
  const std::string& host = request.get_header("Host");
  if (!host_is_allowed(host, surroundings.options.allowed_hosts)) {
    return {.answer = http_refusal(403, "Requests for this host are not answered: the server must allow it."),
            .warning = "Refused a request for the host \"" + printable(host) + "\", which is not among those allowed",
            .kind = WebsocketppWarning::Kind::host_refused};
  }
  if (!processor::is_websocket_handshake(request)) {
    return {.answer = answer_plain_request(request, surroundings.options.on_http_request)};
  }
  if (processor::get_websocket_version(request) != engine.get_version()) {
    return {.answer = http_refusal(426, "Only version 13 of the WebSocket protocol is spoken here.",
                                   {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}})};
  }
  if (const std::error_code error = engine.validate_handshake(request)) {
    return {.answer = http_refusal(400, error.message())};
  }
  constexpr std::size_t key_length = 24;  // 16 bytes in base64
  if (request.get_header("Sec-WebSocket-Key").size() != key_length) {
    return {.answer = http_refusal(400, "Sec-WebSocket-Key is not 16 bytes in base64.")};
  }
  const std::string& origin = request.get_header("Origin");
  if (!origin.empty() && !origin_is_allowed(origin, host, surroundings.options.allowed_origins)) {
    return {.answer = http_refusal(403, "Pages of this origin may not connect: the server must allow it."),
            .warning = "Refused a page from the origin \"" + printable(origin) + "\", which is not among those allowed",
            .kind = WebsocketppWarning::Kind::origin_refused};
  }
  if (surroundings.full) {
    return {.answer = http_refusal(503, "There are too many connections."),
            .warning = "Refused a connection: there are as many as allowed",
            .kind = WebsocketppWarning::Kind::too_many_connections};
  }
  Verdict verdict{.upgraded = true, .protocol = choose_subprotocol(engine, request, surroundings.options.subprotocols)};
  HandshakeResponse response;
  response.set_version("HTTP/1.1");
  response.set_status(::websocketpp::http::status_code::switching_protocols);
  engine.process_handshake(request, verdict.protocol, response);
  verdict.answer = response.raw();
  return verdict;
}

}  // namespace restante::websocketpp_detail
