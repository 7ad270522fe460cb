#include <restante/authentication/json_object.hpp>

#include <gtest/gtest.h>

#include <string>

namespace restante {
namespace {

TEST(JsonObject, IsReadWithWhatStandsInIt) {
  const auto object = parse_json_object(R"( {"a":1,"b":{"a":"x"},"c":[{"a":1},{"a":2}]} )");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->at("a"), 1);
  EXPECT_EQ(text_member(object->at("b"), "a"), "x");
  EXPECT_EQ(text_member(*object, "a"), std::nullopt) << "a number is no text";
  EXPECT_EQ(text_member(*object, "z"), std::nullopt);
}

TEST(JsonObject, IsRefusedWhereReadersCouldDiffer) {
  const std::string deep = std::string(20, '[') + std::string(20, ']');
  for (const std::string& wrong :
       {std::string{R"({"a":1,"a":1})"}, std::string{R"({"a":1,"\u0061":2})"}, std::string{R"({"b":{"a":1,"a":2}})"},
        std::string{R"({"b":[{"a":1,"a":2}]})"}, std::string{"[]"}, std::string{"1"}, std::string{""}, std::string{"{"},
        std::string{"{}{}"}, std::string{"{} x"},
        std::string{R"({"a":")"
                    "\xff"
                    R"("})"},
        std::string{"{/**/}"}, std::string{"{\"a\":NaN}"}, R"({"a":)" + deep + "}"}) {
    EXPECT_FALSE(parse_json_object(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace restante
