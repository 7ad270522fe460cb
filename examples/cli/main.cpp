// restante: the classic protocol from the command line, and the files that a server knows its clients by.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include <restante/version.hpp>

#include "authentication.hpp"
#include "commands.hpp"

namespace {

using namespace restante::cli;

struct CommandLine {
  std::string server = "ws://127.0.0.1:12345";
  std::string ca_file;
  unsigned timeout_s = 10;
  bool json = false;
  unsigned id = 0;
  unsigned to = 0;
  bool hold = false;
  bool lines = false;
  bool all = false;
  bool follow = false;
  unsigned interval_ms = 1000;
  std::vector<std::string> texts;
  PasswordCommand passwords;
  KeyCommand key;
  MakeTokenCommand make_token;
  CheckTokenCommand check_token;
};

constexpr const char* exit_codes =
    "Exit codes: 0 done, 1 no connection or no proper answer, 2 wrong usage, 3 the mailbox is full, 4 the id is held "
    "by somebody else, 5 there was no message.";

void add_id(CLI::App& command, CommandLine& line) {
  command.add_option("--id", line.id, "one's own id")->required()->check(CLI::Range(0, 255));
}

void add_interval(CLI::App& command, CommandLine& line) {
  command.add_option("--interval", line.interval_ms, "milliseconds from finding the mailbox empty to asking again")
      ->check(CLI::Range(10, 3'600'000))
      ->capture_default_str();
}

void describe_passwords(CLI::App& app, PasswordCommand& passwords) {
  CLI::App& command = *app.add_subcommand(
      "passwd", "Change or ask a file of passwords; they are typed, or come as a line of standard input");
  command.add_option("FILE", passwords.file, "the file, as restante-server --auth passwords:FILE reads it")->required();
  command.add_option("ACTION", passwords.action, "set, remove, list or check")
      ->required()
      ->check(CLI::IsMember({"set", "remove", "list", "check"}));
  command.add_option("ADDRESS", passwords.address, "whose; not with list");
  command.callback([&passwords] {
    if ((passwords.action == "list") != passwords.address.empty()) {
      throw CLI::ValidationError("ADDRESS", "is for set, remove and check, and needed there");
    }
  });
}

void describe_tokens(CLI::App& app, CommandLine& line) {
  CLI::App& token = *app.add_subcommand("token", "Make keys and tokens, and check tokens");
  token.require_subcommand(1);

  CLI::App& key = *token.add_subcommand("key", "Make a key in a new file, and print its public half");
  key.add_option("FILE", line.key.file, "the file, which must not be there yet and only its owner can read")
      ->required();
  key.add_option("--algorithm", line.key.algorithm,
                 "EdDSA, where a server needs the public half only, or HS256, where both have the same secret")
      ->required()
      ->check(CLI::IsMember({"EdDSA", "HS256"}));
  key.add_option("--kid", line.key.id, "a name for it, needed where a server has several");

  CLI::App& make = *token.add_subcommand("make", "Make a token and print it");
  make.add_option("--key", line.make_token.key_file, "the file of the key")->required();
  make.add_option("--address", line.make_token.address, "the address that it opens")->required();
  make.add_option("--lifetime", line.make_token.lifetime_s, "seconds that it is good for")
      ->check(CLI::Range(1, 2'000'000'000))
      ->capture_default_str();
  make.add_option("--audience", line.make_token.audience, "whom it is for, as restante-server --token-audience says");
  make.add_option("--room", line.make_token.rooms,
                  "a room that may be joined, '#team', or all that begin so, '#team-*'; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  make.add_flag("--create-rooms", line.make_token.create_rooms, "rooms that may be joined may be created, too");

  CLI::App& check = *token.add_subcommand("check", "Check a token, typed or from standard input, and print its claims");
  check.add_option("--key", line.check_token.key_file, "the file of the key, or of its public half")->required();
  check.add_option("--address", line.check_token.address, "the address that it is to be for");
  check.add_option("--audience", line.check_token.audience, "whom it is to be for");
}

void describe(CLI::App& app, CommandLine& line) {
  app.require_subcommand(1);
  app.footer(exit_codes);
  app.set_version_flag("--version", std::string{"restante "} + restante::version);
  app.fallthrough();
  app.add_option("--server", line.server, "ws://host:port/path, or wss:// for TLS; only the host is needed")
      ->envname("RESTANTE_SERVER")
      ->capture_default_str();
  app.add_option("--ca", line.ca_file,
                 "with wss://, a file (PEM) of the authorities to trust, in place of those that the system trusts")
      ->check(CLI::ExistingFile);
  app.add_option("--timeout", line.timeout_s, "seconds that connecting, or a reply, may take")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  app.add_flag("--json", line.json, "print each result as a JSON object in a line");

  CLI::App& associate_command = *app.add_subcommand("associate", "Claim an id, to see whether it is free");
  add_id(associate_command, line);
  associate_command.add_flag("--hold", line.hold, "keep it until interrupted");

  CLI::App& push_command = *app.add_subcommand("push", "Put messages into somebody's mailbox");
  add_id(push_command, line);
  push_command.add_option("--to", line.to, "whose mailbox")->required()->check(CLI::Range(0, 255));
  push_command.add_option("text", line.texts,
                          "the messages, each of at most 254 bytes; without any, standard input is one message");
  push_command.add_flag("--lines", line.lines, "each line of standard input is a message");

  CLI::App& get_command = *app.add_subcommand("get", "Take messages out of one's own mailbox");
  add_id(get_command, line);
  get_command.add_flag("--all", line.all, "all that are there, not only the oldest");
  get_command.add_flag("--follow", line.follow, "all that are there, and all that come, until interrupted");
  add_interval(get_command, line);

  CLI::App& chat_command = *app.add_subcommand("chat", "Send what is typed, line by line, and show what comes");
  add_id(chat_command, line);
  chat_command.add_option("--to", line.to, "whom to talk to")->required()->check(CLI::Range(0, 255));
  add_interval(chat_command, line);

  describe_passwords(app, line.passwords);
  describe_tokens(app, line);
}

std::vector<std::string> read_messages(const CommandLine& line) {
  if (!line.texts.empty()) {
    return line.texts;
  }
  std::vector<std::string> messages;
  if (line.lines) {
    for (std::string text; std::getline(std::cin, text);) {
      messages.push_back(text);
    }
    return messages;
  }
  std::string text{std::istreambuf_iterator<char>{std::cin}, {}};
  if (text.ends_with('\n')) {
    text.pop_back();
  }
  return {text};
}

int run(const CLI::App& app, const CommandLine& line) {
  const Output output{line.json};
  if (app.got_subcommand("passwd")) {
    return passwords(output, line.passwords);
  }
  if (app.got_subcommand("token")) {
    const CLI::App& token = *app.get_subcommand("token");
    return token.got_subcommand("key")    ? make_key(output, line.key)
           : token.got_subcommand("make") ? make_token(output, line.make_token)
                                          : check_token(output, line.check_token);
  }
  SessionOptions options;
  options.timeout = std::chrono::seconds{line.timeout_s};
  try {
    options.server = parse_url(line.server);
  } catch (const std::invalid_argument& error) {
    output.error(error.what());
    return usage;
  }
  options.ca_file = line.ca_file;
  if (!options.ca_file.empty() && !options.server.tls) {
    output.error("--ca is for servers with TLS: wss://");
    return usage;
  }
  const auto id = static_cast<restante::classic::ClientId>(line.id);
  const auto to = static_cast<restante::classic::ClientId>(line.to);
  const std::chrono::milliseconds interval{line.interval_ms};
  if (app.got_subcommand("associate")) {
    return associate(options, output, id, line.hold);
  }
  if (app.got_subcommand("get")) {
    return get(options, output, {id, line.all, line.follow, interval});
  }
  if (app.got_subcommand("chat")) {
    return chat(options, output, {id, to, interval});
  }
  std::vector<std::string> messages = read_messages(line);
  for (const std::string& message : messages) {
    if (message.size() > restante::classic::payload_bytes_max) {
      output.error("a message has " + std::to_string(message.size()) + " bytes, and at most 254 can be sent");
      return usage;
    }
  }
  return push(options, output, id, to, std::move(messages));
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  CLI::App app{"Mail that is held until it is called for: pushes and gets messages on a Restante server."};
  describe(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? done : usage;
  }
  try {
    return run(app, line);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restante: %s\n", error.what());
    return failed;
  }
}
