// Durable mailboxes in a file of SQLite: restante::SqliteStore.
#pragma once

#include <restante/sqlite/error.hpp>
#include <restante/sqlite/store.hpp>
