// What a server answers to a request: the rules of the opening handshake (RFC 6455, section 4.2), and plain HTTP.
#pragma once

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/asio/detail/origin.hpp>
#include <restante/asio/engine.hpp>
#include <restante/asio/options.hpp>
#include <restante/assert.hpp>
#include <restante/transport.hpp>

namespace restante::asio_detail {

/// What a server answers to a request.
struct Verdict {
  /// Is a WebSocket connection from now on.
  bool upgraded = false;
  /// The bytes of the answer.
  std::string answer = {};
  /// The subprotocol that was chosen, or nullptr.
  const Protocol* protocol = nullptr;
  /// Something that an operator should know, or nothing.
  std::string warning = {};
  WebSocketWarning::Kind kind = {};
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
  const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(response.status));
  std::string bytes = "HTTP/1.1 " + std::to_string(response.status) + " " + std::string{reason.data(), reason.size()};
  const auto add = [&](std::string_view name, std::string_view value) {
    RESTANTE_ASSERT(name.find_first_of("\r\n") == name.npos && value.find_first_of("\r\n") == value.npos,
                    "a header line of a response must not hold a line break");
    bytes.append("\r\n").append(name).append(": ").append(value);
  };
  add("Connection", "close");
  add("Content-Type", response.content_type);
  add("Content-Length", std::to_string(response.body.size()));
  for (const auto& [name, value] : response.headers) {
    add(name, value);
  }
  bytes += "\r\n\r\n";
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
inline std::string answer_plain_request(const HttpRequest& request, Callback<HttpResponse(const HttpRequest&)>& ask) {
  if (!ask) {
    return http_refusal(426, "This is a WebSocket server, and has no pages.", {{"Upgrade", "websocket"}});
  }
  return http_answer(ask(request), request.method != "HEAD");
}

/// The parts of a list (RFC 9110, section 5.6.1) that may be in several lines of a header. What is between two commas
/// is taken as it is, and nothing is said of what could be no name.
inline std::vector<std::string_view> list_in(const HttpRequest& request, std::string_view header_name) {
  constexpr std::string_view blanks = " \t";
  std::vector<std::string_view> parts;
  for (const HttpHeader& header : request.headers) {
    if (!equal_but_for_case(header.name, header_name)) {
      continue;
    }
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const std::string_view part = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(part.size() + 1, rest.size()));
      if (const std::size_t begin = part.find_first_not_of(blanks); begin != std::string_view::npos) {
        parts.push_back(part.substr(begin, part.find_last_not_of(blanks) + 1 - begin));
      }
    }
  }
  return parts;
}

/// What the server knows besides the request.
struct HandshakeSurroundings {
  WebSocketServerOptions& options;
  std::span<const Protocol> protocols = {};
  bool full = false;
};

/// Decides about a complete request.
template <Engine E>
Verdict decide(E& engine, const typename E::ServerHandshake& request, const HandshakeSurroundings& surroundings) {
  const std::string_view host = request.header("Host");
  if (!host_is_allowed(host, surroundings.options.allowed_hosts)) {
    return {.answer = http_refusal(403, "Requests for this host are not answered: the server must allow it."),
            .warning = "Refused a request for the host \"" + printable(host) + "\", which is not among those allowed",
            .kind = WebSocketWarning::Kind::host_refused};
  }
  if (!request.asks_for_websocket()) {
    return {.answer = answer_plain_request(request.http_request(), surroundings.options.on_http_request)};
  }
  if (!request.version_is_spoken()) {
    return {.answer = http_refusal(426, "Only version 13 of the WebSocket protocol is spoken here.",
                                   {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}})};
  }
  if (const std::string fault = engine.fault_of(request); !fault.empty()) {
    return {.answer = http_refusal(400, fault)};
  }
  constexpr std::size_t key_length = 24;  // 16 bytes in base64
  if (request.header("Sec-WebSocket-Key").size() != key_length) {
    return {.answer = http_refusal(400, "Sec-WebSocket-Key is not 16 bytes in base64.")};
  }
  const std::string_view origin = request.header("Origin");
  if (!origin.empty() && !origin_is_allowed(origin, host, surroundings.options.allowed_origins)) {
    return {.answer = http_refusal(403, "Pages of this origin may not connect: the server must allow it."),
            .warning = "Refused a page from the origin \"" + printable(origin) + "\", which is not among those allowed",
            .kind = WebSocketWarning::Kind::origin_refused};
  }
  if (surroundings.full) {
    return {.answer = http_refusal(503, "There are too many connections."),
            .warning = "Refused a connection: there are as many as allowed",
            .kind = WebSocketWarning::Kind::too_many_connections};
  }
  Verdict verdict{.upgraded = true};
  if (!surroundings.protocols.empty()) {
    verdict.protocol =
        choose_protocol(list_in(request.http_request(), "Sec-WebSocket-Protocol"), surroundings.protocols);
  }
  verdict.answer = engine.accept(request, std::string{name_of(verdict.protocol)});
  return verdict;
}

}  // namespace restante::asio_detail
