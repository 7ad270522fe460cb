// What holds for all properties of this program.
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <restante/assert.hpp>

namespace {

// How many cases each property tries, and from which seed, where RC_PARAMS says nothing else. The seed is fixed so that
// a failing build fails again; RC_PARAMS="seed=… max_success=…" looks further. A property that fails prints the
// RC_PARAMS that repeat it. Set before main(), because rapidcheck reads the variable when the first property begins.
[[maybe_unused]] const int set_default_parameters = setenv("RC_PARAMS", "seed=20 max_success=300", 0);

// An assertion of the library that fails is an exception here, so that rapidcheck can shrink what led to it.
[[maybe_unused]] const restante::AssertionHandler set_handler = restante::set_assertion_handler(
    [](const char* condition, const char* explanation, const char* file, unsigned line) {
      throw std::logic_error{std::string{file} + ":" + std::to_string(line) + ": " + explanation + " (" + condition +
                             ")"};
    });

}  // namespace
