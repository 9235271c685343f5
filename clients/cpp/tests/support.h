#ifndef LOUPEGRPC_TESTS_SUPPORT_H_
#define LOUPEGRPC_TESTS_SUPPORT_H_

#include <gtest/gtest.h>
#include <loupegrpc/client.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

// For what must come; nothing is measured by it.
inline constexpr std::chrono::minutes kPatience{1};

// The checkout: LOUPE_ROOT.
std::filesystem::path Root();
std::string ReadFile(const std::filesystem::path& path);
// A folder of the running test, empty.
std::filesystem::path TestFolder();

loupegrpc::Options At(const std::string& address);
loupegrpc::Frame TextFrame(std::uint64_t id);
// Receives until the session is over.
std::vector<loupegrpc::Outcome> Rest(loupegrpc::Session* session);

// The message of the Error that the action throws; fails where it throws another or none.
template <class Thrown, class Action>
std::string MessageOf(const Action& action) {
  try {
    action();
  } catch (const Thrown& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another: " << error.what();
    return "";
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

#endif  // LOUPEGRPC_TESTS_SUPPORT_H_
