#ifndef LOUPE_NATIVE_SRC_BILINEAR_AXIS_H_
#define LOUPE_NATIVE_SRC_BILINEAR_AXIS_H_

#include <cstdint>
#include <vector>

namespace loupe {

// Which two inputs make up each output of a bilinear resize, and with what weights: PyTorch's upsample_bilinear2d with
// align_corners false, in its float32 arithmetic. Not antialiased, also where it reduces.
class BilinearAxis {
 public:
  // Cheap where nothing changed since the last call; keeps its storage.
  void Configure(int32_t input, int32_t output);

  // Each [output padded to lanes]; indices ascend, weights in the padding are 0.
  const int32_t* index0() const { return index0_.data(); }
  const int32_t* index1() const { return index1_.data(); }
  const float* weight0() const { return weight0_.data(); }
  const float* weight1() const { return weight1_.data(); }

 private:
  int32_t input_ = 0;
  int32_t output_ = 0;
  std::vector<int32_t> index0_;
  std::vector<int32_t> index1_;
  std::vector<float> weight0_;
  std::vector<float> weight1_;
};

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_BILINEAR_AXIS_H_
