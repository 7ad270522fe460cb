#include "store_commands.hpp"

namespace restante::cli {

int look_after_store(const Output& output, const StoreCommand& /*command*/, bool /*json*/) {
  output.error("this program was built without SQLite, and can do nothing with the file of a store");
  return failed;
}

}  // namespace restante::cli
