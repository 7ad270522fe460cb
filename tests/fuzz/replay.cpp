// Gives files to a fuzzer's target without the fuzzer: with any compiler, as a test, and to look into what was found.
//
// Usage: replay_… <file or folder>…
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
  std::set<std::filesystem::path> files;
  for (int index = 1; index < count; ++index) {
    const std::filesystem::path path = arguments[index];
    if (std::filesystem::is_directory(path)) {
      for (const auto& entry : std::filesystem::directory_iterator{path}) {
        files.insert(entry.path());
      }
    } else {
      files.insert(path);
    }
  }
  for (const std::filesystem::path& file : files) {
    std::ifstream stream{file, std::ios::binary};
    const std::vector<char> content{std::istreambuf_iterator<char>{stream}, {}};
    if (!stream) {
      std::fprintf(stderr, "%s cannot be read\n", file.c_str());
      return 1;
    }
    // The last line before an abort says which file it was.
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
  }
  std::printf("%zu files\n", files.size());
  return files.empty() ? 1 : 0;
}
