// restante: both protocols from the command line, and the files that a server knows its clients by.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include <restante/core/address_name.hpp>
#include <restante/version.hpp>

#include "authentication.hpp"
#include "commands.hpp"
#include "credential.hpp"
#include "mail_commands.hpp"
#include "mailbox_commands.hpp"
#include "store_commands.hpp"

namespace {

using namespace restante::cli;

struct CommandLine {
  std::string server = "ws://127.0.0.1:12345";
  std::string ca_file;
  unsigned timeout_s = 10;
  bool json = false;
  /// Either an id, for the classic protocol, or a name, for restante.v2.
  unsigned id = 0;
  std::string name;
  CredentialOptions credential;
  std::string to;
  std::string room;
  std::vector<std::string> rooms;
  std::uint32_t time_to_live_s = 0;
  bool receipts = false;
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
  MailboxCommand mailbox;
  StoreCommand store;
};

constexpr const char* exit_codes =
    "Exit codes: 0 done, 1 no connection or no proper answer, 2 wrong usage, 3 the mailbox is full, 4 the id is held "
    "by somebody else, 5 there was no message.";
// Of commands that send no messages.
constexpr const char* exit_codes_of_others = "Exit codes: 0 done, 1 not done, 2 wrong usage.";

// --name, and what proves that it is one's own.
CLI::Option& add_name(CLI::App& command, CommandLine& line) {
  command.add_option("--auth-token", line.credential.token_file,
                     "a file that holds the token to show; or the variable RESTANTE_AUTH_TOKEN is the token");
  command.add_flag(
      "--password", line.credential.asks_password,
      "type a password, or take the first line of standard input; or the variable RESTANTE_PASSWORD is it");
  return *command.add_option("--name", line.name, "one's own address, by restante.v2")
              ->check([](const std::string& name) {
                const restante::NameKind kind = restante::kind_of_name(restante::as_bytes(name));
                const bool opens = kind == restante::NameKind::mailbox || kind == restante::NameKind::classic;
                return opens ? "" : "'" + printable(name, false) + "' is no address that can be opened";
              });
}

// --id or --name, and not both.
void add_self(CLI::App& command, CommandLine& line) {
  CLI::Option& name = add_name(command, line);
  CLI::Option& id = *command.add_option("--id", line.id, "one's own id, by the classic protocol")
                         ->check(CLI::Range(0, 255))
                         ->excludes(&name);
  command.callback([&id, &name] {
    if (id.count() + name.count() == 0) {
      throw CLI::RequiredError("--id or --name");
    }
  });
}

void add_to(CLI::App& command, CommandLine& line, const std::string& what) {
  command.add_option("--to", line.to, what)->required();
}

CLI::App& add_room_command(CLI::App& app, CommandLine& line, const std::string& name, const std::string& what) {
  CLI::App& command = *app.add_subcommand(name, what);
  add_name(command, line).required();
  command.add_option("ROOM", line.room, "the room, '#team'")->required()->check([](const std::string& room) {
    const bool is_room = restante::kind_of_name(restante::as_bytes(room)) == restante::NameKind::room;
    return is_room ? "" : "'" + printable(room, false) + "' is no room: rooms begin with #";
  });
  return command;
}

void add_interval(CLI::App& command, CommandLine& line) {
  command
      .add_option("--interval", line.interval_ms,
                  "with --id, milliseconds from finding the mailbox empty to asking again")
      ->check(CLI::Range(10, 3'600'000))
      ->capture_default_str();
}

void describe_passwords(CLI::App& app, PasswordCommand& passwords) {
  CLI::App& command = *app.add_subcommand(
      "passwd", "Change or ask a file of passwords; they are typed, or come as a line of standard input");
  command.footer(exit_codes_of_others);
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
  token.footer(exit_codes_of_others);
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

void describe_mailboxes(CLI::App& app, MailboxCommand& mailbox) {
  CLI::App& command = *app.add_subcommand("mailbox", "Look after the mailboxes of a server on this machine");
  command.footer(exit_codes_of_others);
  command.require_subcommand(1);
  command
      .add_option("--operate", mailbox.place,
                  "the socket of the server, as restante-server --operate says; without it, RESTANTE_OPERATE")
      ->envname("RESTANTE_OPERATE")
      ->required();
  const auto add = [&](const std::string& action, const std::string& what) -> CLI::App& {
    CLI::App& added = *command.add_subcommand(action, what);
    added.callback([&mailbox, action] { mailbox.action = action; });
    return added;
  };
  const auto add_with_name = [&](const std::string& action, const std::string& what) -> CLI::App& {
    CLI::App& added = add(action, what);
    added.add_option("NAME", mailbox.name, "a name, an id, or a room")->required();
    return added;
  };
  add("list", "List mailboxes and rooms, with tabs between the columns");
  add_with_name("show", "Show what is known of one, but nothing of what its messages say")
      .add_option("--messages", mailbox.messages, "how many messages to show, the oldest first")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  CLI::App& purge = add_with_name("purge", "Remove all its messages; their senders can see that");
  CLI::App& retire =
      add_with_name("retire", "Forget it and all about it; who holds it is closed, and who opens it later begins anew");
  for (CLI::App* const removing : {&purge, &retire}) {
    removing->add_flag("--yes", mailbox.yes, "do not ask whether that is meant");
  }
}

void describe_store(CLI::App& app, StoreCommand& store) {
  CLI::App& command = *app.add_subcommand("store", "Look after the file of restante-server --store sqlite:FILE");
  command.footer(exit_codes_of_others);
  command.require_subcommand(1);
  const auto add = [&](const std::string& action, const std::string& what) -> CLI::App& {
    CLI::App& added = *command.add_subcommand(action, what);
    added.callback([&store, action] { store.action = action; });
    added.add_option("FILE", store.file, "the file")->required();
    return added;
  };
  add("check", "Look through all of it, and print what is wrong; a server may run. Exit code 1 where something is");
  add("stats", "Print how much is in it; a server may run");
  CLI::App& backup = add("backup", "Copy it to another file, from which a server can start; a server may run");
  backup.add_option("COPY", store.copy, "the file to make, which is there when it is whole")->required();
  backup.add_flag("--force", store.replaces, "replace one that is there");
  add("export", "Print all that is in it, as lines of JSON; a server may run");
  add("import", "Fill a new or empty store with such lines from standard input, with all or with nothing");
  CLI::App& purge = add("purge", "Remove messages; their senders can see that. No server may run");
  CLI::Option& name =
      *purge.add_option("NAME", store.name, "of this name, id, or room")->check([](const std::string& said) {
        // Without any name, all messages are meant.
        const bool names_nothing = restante::kind_of_name(restante::as_bytes(said)) == restante::NameKind::bad;
        return names_nothing ? "'" + printable(said, false) + "' is no name, no id and no room" : "";
      });
  CLI::Option& expired = *purge.add_flag("--expired", store.expired, "those whose time has come");
  purge.callback([&store, &name, &expired] {
    store.action = "purge";
    if (name.count() + expired.count() == 0) {
      throw CLI::RequiredError("NAME or --expired");
    }
  });
  CLI::App& renew = add("renew",
                        "Give every address a new epoch, for a file that is older than what clients saw, such as a "
                        "backup. No server may run");
  for (CLI::App* const changing : {&purge, &renew}) {
    changing->add_flag("--yes", store.yes, "do not ask whether that is meant");
  }
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
  add_self(associate_command, line);
  associate_command.add_flag("--hold", line.hold, "keep it until interrupted");

  CLI::App& push_command = *app.add_subcommand("push", "Put messages into somebody's mailbox");
  add_self(push_command, line);
  add_to(push_command, line, "whose mailbox, or with --name which room");
  push_command.add_option("text", line.texts,
                          "the messages, with --id each of at most 254 bytes; without any, standard input is one");
  push_command.add_flag("--lines", line.lines, "each line of standard input is a message");
  push_command
      .add_option("--ttl", line.time_to_live_s,
                  "with --name, seconds after which a message expires that nobody fetched")
      ->check(CLI::Range(1, 2'000'000'000));
  push_command.add_flag("--receipt", line.receipts, "with --name, wait for what becomes of each message, and print it");

  CLI::App& get_command = *app.add_subcommand("get", "Take messages out of one's own mailbox");
  add_self(get_command, line);
  get_command.add_flag("--all", line.all, "all that are there, not only the oldest");
  get_command.add_flag("--follow", line.follow, "all that are there, and all that come, until interrupted");
  get_command.add_option("--room", line.rooms, "with --name, a room to join and read as well; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_interval(get_command, line);

  CLI::App& chat_command = *app.add_subcommand("chat", "Send what is typed, line by line, and show what comes");
  add_self(chat_command, line);
  add_to(chat_command, line, "whom to talk to, or with --name in which room");
  add_interval(chat_command, line);

  CLI::App& members_command = add_room_command(app, line, "members", "List who is in a room, and who of them is there");
  members_command.add_flag("--follow", line.follow, "again each time that this changes, until interrupted");
  add_room_command(app, line, "join", "Join a room: its messages are kept for one from now on");
  add_room_command(app, line, "leave", "Leave a room");

  describe_passwords(app, line.passwords);
  describe_tokens(app, line);
  describe_mailboxes(app, line.mailbox);
  describe_store(app, line.store);
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

int run_classic(const CLI::App& app, const CommandLine& line, const Output& output, const SessionOptions& options) {
  const auto id = static_cast<restante::classic::ClientId>(line.id);
  const std::chrono::milliseconds interval{line.interval_ms};
  if (app.got_subcommand("associate")) {
    return associate(options, output, id, line.hold);
  }
  if (app.got_subcommand("get")) {
    return get(options, output, {id, line.all, line.follow, interval});
  }
  const int receiver = restante::classic_id_of(restante::as_bytes(line.to));
  if (receiver < 0) {
    output.error("--to is a number from 0 to 255 by the classic protocol; names are for those with --name");
    return usage;
  }
  const auto to = static_cast<restante::classic::ClientId>(receiver);
  if (app.got_subcommand("chat")) {
    return chat(options, output, {id, to, interval});
  }
  for (const std::string& message : line.texts) {
    if (message.size() > restante::classic::payload_bytes_max) {
      output.error("a message has " + std::to_string(message.size()) + " bytes, and at most 254 can be sent");
      return usage;
    }
  }
  return push(options, output, id, to, line.texts);
}

int run_mail(const CLI::App& app, const CommandLine& line, const Output& output, const MailOptions& options) {
  if (app.got_subcommand("associate")) {
    return open_address(options, output, line.hold);
  }
  if (app.got_subcommand("get")) {
    return get_mail(options, output, {line.rooms, line.all, line.follow});
  }
  if (app.got_subcommand("chat")) {
    return chat_by_mail(options, output, line.to);
  }
  if (app.got_subcommand("members")) {
    return members(options, output, line.room, line.follow);
  }
  if (app.got_subcommand("join")) {
    return join(options, output, line.room);
  }
  if (app.got_subcommand("leave")) {
    return leave(options, output, line.room);
  }
  return push_mail(options, output, {line.to, line.texts, std::chrono::seconds{line.time_to_live_s}, line.receipts});
}

int run(const CLI::App& app, CommandLine line) {
  const Output output{line.json};
  if (app.got_subcommand("passwd")) {
    return passwords(output, line.passwords);
  }
  if (app.got_subcommand("mailbox")) {
    return mailboxes(output, line.mailbox, line.json, line.timeout_s);
  }
  if (app.got_subcommand("store")) {
    return look_after_store(output, line.store, line.json);
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
  // Before the messages, which may follow it on standard input.
  const std::string credential = line.name.empty() ? "" : read_credential(line.credential);
  if (app.got_subcommand("push")) {
    line.texts = read_messages(line);
  }
  if (line.name.empty()) {
    return run_classic(app, line, output, options);
  }
  const int code = run_mail(app, line, output, {options, line.name, credential});
  if (code != protocol_missing) {
    return code;
  }
  const int id = restante::classic_id_of(restante::as_bytes(line.name));
  const bool is_classic =
      id >= 0 && line.rooms.empty() && line.room.empty() && line.time_to_live_s == 0 && !line.receipts;
  if (!is_classic) {
    output.error(
        "the server does not speak restante.v2, and the classic protocol has no names, rooms, times to live and "
        "receipts");
    return failed;
  }
  output.note("The server does not speak restante.v2: going on by the classic protocol.");
  CommandLine classic = line;
  classic.id = static_cast<unsigned>(id);
  return run_classic(app, classic, output, options);
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
