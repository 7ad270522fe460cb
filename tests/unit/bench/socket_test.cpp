#include "socket.hpp"

#include <gtest/gtest.h>

namespace restante::bench {
namespace {

void expect_url(const char* text, const char* host, const char* port, const char* path) {
  const Url url = Url::parse(text);
  EXPECT_EQ(url.host, host) << text;
  EXPECT_EQ(url.port, port) << text;
  EXPECT_EQ(url.path, path) << text;
}

TEST(BenchUrl, NamesAHostAPortAndAPath) {
  expect_url("ws://localhost:8080/there?now", "localhost", "8080", "/there?now");
  expect_url("ws://localhost:8080", "localhost", "8080", "/");
  expect_url("ws://example.org", "example.org", "12345", "/");
  expect_url("ws://[::1]:8080/", "::1", "8080", "/");
  expect_url("ws://[::1]", "::1", "12345", "/");
}

TEST(BenchUrl, IsRefusedWithoutASchemeAHostOrAPort) {
  for (const char* text : {"", "localhost:8080", "http://localhost", "wss://localhost", "ws://", "ws://:80",
                           "ws://localhost:", "ws://localhost:/", "ws:///path"}) {
    EXPECT_THROW(Url::parse(text), std::invalid_argument) << text;
  }
}

TEST(BenchDescriptors, AreRefusedWhereThereAreNotSoMany) {
  allow_descriptors(1);
  EXPECT_THROW(allow_descriptors(SIZE_MAX), std::runtime_error);
}

}  // namespace
}  // namespace restante::bench
