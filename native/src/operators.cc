// Operators for ONNX Runtime on the CPU, in the domain `loupe.cpu`, which ONNX Runtime finds by RegisterCustomOps.
//
// DeformableSample: inputs values, logits and offsets, output result, as SampleDeformable has them, all fp32;
// attributes heads and sides (of the three maps, coarse to fine).
//
// Graphs name the domain's version, 1: it is raised by every change that such a graph could notice.

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <vector>

#include "deformable_kernels.h"

namespace loupe {
namespace {

constexpr char kDomain[] = "loupe.cpu";

OrtStatusPtr Refuse(const char* message) { return Ort::GetApi().CreateStatus(ORT_INVALID_ARGUMENT, message); }

// What `call` answers, and what it throws as a status: nothing is thrown through ONNX Runtime.
template <class Call>
OrtStatusPtr Guard(Call call) noexcept {
  try {
    return call();
  } catch (const Ort::Exception& exception) {
    return Ort::GetApi().CreateStatus(exception.GetOrtErrorCode(), exception.what());
  } catch (const std::exception& exception) {
    return Ort::GetApi().CreateStatus(ORT_FAIL, exception.what());
  }
}

class DeformableKernel {
 public:
  // Throws Ort::Exception.
  explicit DeformableKernel(const OrtKernelInfo* info) {
    const Ort::ConstKernelInfo attributes(info);
    heads_ = attributes.GetAttribute<int64_t>("heads");
    sides_ = attributes.GetAttributes<int64_t>("sides");
  }

  OrtStatusPtr ComputeV2(OrtKernelContext* context) noexcept {
    return Guard([&] { return Compute(Ort::KernelContext(context)); });
  }

 private:
  struct Work {
    DeformableShape shape;
    const float* values;
    const float* logits;
    const float* offsets;
    float* result;
    int64_t queries;
    int64_t part;
  };

  // Parts of a run that threads take one after another: some for each, so that none waits long for the last. Which
  // thread takes one, and how many there are, changes no bit.
  static constexpr size_t kParts = 64;

  OrtStatusPtr Compute(Ort::KernelContext context) const {
    const auto values = context.GetInput(0);
    const auto logits = context.GetInput(1);
    const auto offsets = context.GetInput(2);
    const auto shape = values.GetTensorTypeAndShapeInfo().GetShape();
    if (sides_.size() != kDeformableLevels || heads_ < 1 || shape.size() != 2 || shape[1] % heads_ != 0) {
      return Refuse("DeformableSample: values are [pictures * cells, heads * depth] on three maps");
    }

    Work work = {};
    int64_t cells = 0;
    for (size_t level = 0; level < kDeformableLevels; ++level) {
      if (sides_[level] < 2 || sides_[level] > 4096)
        return Refuse("DeformableSample: a map's side must be 2 to 4096 cells");
      work.shape.sides[level] = static_cast<int32_t>(sides_[level]);
      work.shape.starts[level] = static_cast<int32_t>(cells);
      cells += sides_[level] * sides_[level];
    }
    work.shape.cells = static_cast<int32_t>(cells);
    work.shape.heads = static_cast<int32_t>(std::min<int64_t>(heads_, INT32_MAX));
    work.shape.depth = static_cast<int32_t>(std::min<int64_t>(shape[1] / heads_, INT32_MAX));
    if (const char* const error = DeformableShapeError(work.shape)) return Refuse(error);

    work.queries = shape[0];
    const int64_t columns = work.shape.columns();
    if (work.queries % cells != 0 ||
        logits.GetTensorTypeAndShapeInfo().GetShape() != std::vector<int64_t>{work.queries, columns} ||
        offsets.GetTensorTypeAndShapeInfo().GetShape() != std::vector<int64_t>{work.queries, 2 * columns}) {
      return Refuse("DeformableSample: logits are [rows of values, heads * 12], offsets twice as wide");
    }

    work.values = values.GetTensorData<float>();
    work.logits = logits.GetTensorData<float>();
    work.offsets = offsets.GetTensorData<float>();
    work.result = context.GetOutput(0, shape).GetTensorMutableData<float>();
    work.part = (work.queries + int64_t{kParts} - 1) / int64_t{kParts};
    context.ParallelFor(
        [](void* data, size_t index) {
          const Work& w = *static_cast<const Work*>(data);
          const int64_t from = std::min(w.queries, static_cast<int64_t>(index) * w.part);
          const int64_t to = std::min(w.queries, from + w.part);
          SampleDeformable(w.shape, w.values, w.logits, w.offsets, from, to, w.result);
        },
        kParts, 0, &work);
    return nullptr;
  }

  int64_t heads_ = 0;
  std::vector<int64_t> sides_;
};

struct DeformableOperator : Ort::CustomOpBase<DeformableOperator, DeformableKernel, /*WithStatus=*/true> {
  static OrtStatusPtr CreateKernelV2(const OrtApi& /*api*/, const OrtKernelInfo* info, void** kernel) noexcept {
    return Guard([&]() -> OrtStatusPtr {
      *kernel = new DeformableKernel(info);
      return nullptr;
    });
  }

  static const char* GetName() { return "DeformableSample"; }
  static const char* GetExecutionProviderType() { return "CPUExecutionProvider"; }
  static size_t GetInputTypeCount() { return 3; }
  static size_t GetOutputTypeCount() { return 1; }
  static ONNXTensorElementDataType GetInputType(size_t /*index*/) { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  static ONNXTensorElementDataType GetOutputType(size_t /*index*/) { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
};

}  // namespace
}  // namespace loupe

// By the name that ONNX Runtime looks for.
extern "C" __attribute__((visibility("default"))) OrtStatus* ORT_API_CALL RegisterCustomOps(OrtSessionOptions* options,
                                                                                            const OrtApiBase* base) {
  const OrtApi* const api = base->GetApi(ORT_API_VERSION);
  // A runtime older than the headers: there is no way to say so. The graphs that need the operators do not load.
  if (api == nullptr) return nullptr;
  Ort::InitApi(api);
  return loupe::Guard([&]() -> OrtStatusPtr {
    // As long as the process: sessions refer to them.
    static const loupe::DeformableOperator deformable;
    static const Ort::CustomOpDomain* const domain = [] {
      auto* const made = new Ort::CustomOpDomain(loupe::kDomain);
      made->Add(&deformable);
      return made;
    }();
    Ort::UnownedSessionOptions(options).Add(*domain);
    return nullptr;
  });
}
