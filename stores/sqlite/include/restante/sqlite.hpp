// Durable mailboxes in a file of SQLite: restante::SqliteStore, and what looks after its files.
#pragma once

#include <restante/sqlite/editor.hpp>
#include <restante/sqlite/error.hpp>
#include <restante/sqlite/file.hpp>
#include <restante/sqlite/import.hpp>
#include <restante/sqlite/store.hpp>
