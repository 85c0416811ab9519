// Drives a fuzz target without libFuzzer, so that every compiler runs it as a test:
//
//   replay CORPUS            runs the seeds, the inputs in CORPUS, and fixed changes of both
//   replay CORPUS FOLDER     writes seeds and inputs as files to begin with, for libFuzzer
//
// CORPUS has an input a line, in hexadecimal.
#include <cstdio>
#include <fstream>
#include <random>
#include <string>

#include "fuzz/target.hpp"

namespace {

using cppwax::fuzz::Input;

constexpr int kChangesOfEach = 400;

std::vector<Input> read_corpus(const char* path) {
  std::vector<Input> inputs = cppwax::fuzz::seeds();
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    Input input;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2) {
      input.push_back(static_cast<std::uint8_t>(std::stoul(line.substr(i, 2), nullptr, 16)));
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

Input changed(Input input, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (std::size_t i = below(4); i-- > 0 && !input.empty();) {
    input[below(std::min<std::size_t>(input.size(), 200))] = static_cast<std::uint8_t>(random());
  }
  if (below(2) == 0 && !input.empty()) input.resize(below(input.size()) + 1);
  if (below(4) == 0) input.insert(input.end(), input.begin(), input.end());
  return input;
}

void run(const Input& input) {
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

void write_files(const std::vector<Input>& inputs, const std::string& folder) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    std::ofstream file(folder + "/seed" + std::to_string(i), std::ios::binary);
    file.write(reinterpret_cast<const char*>(inputs[i].data()),
               static_cast<std::streamsize>(inputs[i].size()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::vector<Input> inputs = read_corpus(argv[1]);
  if (argc > 2) {
    write_files(inputs, argv[2]);
    return 0;
  }
  std::mt19937 random(1);
  for (const Input& input : inputs) {
    run(input);
    const int changes = input.size() > 10'000 ? kChangesOfEach / 10 : kChangesOfEach;
    for (int i = 0; i < changes; ++i) run(changed(input, random));
  }
  std::printf("%zu inputs and their changes\n", inputs.size());
  return 0;
}
