#include <restante/authentication/file.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.hpp"

namespace restante {
namespace {

using test::Folder;

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777U;
}

std::string why(const std::filesystem::path& path, std::size_t bytes_max = 100) {
  try {
    read_secret_file(path, bytes_max);
    return "it was read";
  } catch (const AuthenticationError& error) {
    return error.what();
  }
}

TEST(SecretFile, IsReadAndSaysWhetherOthersMayReadIt) {
  const Folder folder;
  EXPECT_EQ(read_secret_file(folder.write("own", "secret"), 6).content.text(), "secret");
  EXPECT_FALSE(read_secret_file(folder / "own", 6).others_may_read);
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U}) {
    EXPECT_TRUE(read_secret_file(folder.write("open", "secret", mode), 6).others_may_read) << mode;
  }
}

TEST(SecretFile, IsRefusedInWordsThatNameIt) {
  const Folder folder;
  EXPECT_THAT(why(folder / "none"), ::testing::HasSubstr("none cannot be read: No such file"));
  EXPECT_THAT(why(folder.path()), ::testing::HasSubstr("no regular file"));
  EXPECT_THAT(why(folder.write("long", "12345"), 4), ::testing::HasSubstr("long is longer than 4 bytes"));
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(why(folder / "pipe"), ::testing::HasSubstr("no regular file")) << "and nobody waits for a writer";
}

TEST(SecretFile, IsReplacedInOneStepAndThenIsForItsOwnerAlone) {
  const Folder folder;
  const auto file = folder.write("file", "old", 0644);
  std::filesystem::create_symlink(file, folder / "link");
  // Whoever has the old one open goes on reading it.
  const detail::Descriptor open_before{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  replace_secret_file(folder / "link", "new");
  EXPECT_EQ(test::read(file), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(mode_of(file), 0600U);
  char old[8]{};
  EXPECT_EQ(::read(open_before.number(), old, sizeof old), 3);
  EXPECT_STREQ(old, "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder.path()}, {}), 2) << "nothing else is left behind";
}

TEST(SecretFile, IsMadeAnewOnlyWhereThereIsNone) {
  const Folder folder;
  create_secret_file(folder / "key", "secret");
  EXPECT_EQ(test::read(folder / "key"), "secret");
  EXPECT_EQ(mode_of(folder / "key"), 0600U);
  EXPECT_THROW(create_secret_file(folder / "key", "other"), AuthenticationError);
  EXPECT_EQ(test::read(folder / "key"), "secret");
  EXPECT_THROW(replace_secret_file(folder / "no" / "such", "x"), AuthenticationError);
}

TEST(SecretFileLock, IsHeldByOneAtATime) {
  const Folder folder;
  const detail::Descriptor other{::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  {
    const SecretFileLock lock{folder / "file"};
    EXPECT_NE(::flock(other.number(), LOCK_EX | LOCK_NB), 0);
  }
  EXPECT_EQ(::flock(other.number(), LOCK_EX | LOCK_NB), 0);
  EXPECT_THROW(SecretFileLock{folder / "no" / "such"}, AuthenticationError);
}

}  // namespace
}  // namespace restante
