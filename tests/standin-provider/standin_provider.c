// A stand-in for a GPU: an execution provider for ONNX Runtime, as a library that is registered by its path. It takes three kinds of nodes (Neg, Relu,
// Sigmoid) and computes them on the CPU; every other node stays with ONNX Runtime. On request it does what real providers do on bad days.
//
// How a provider plugs in, in the order of this file read from its end:
//   CreateEpFactories     the only entry point. ONNX Runtime calls it when the library is registered; here: LOUPE_STANDIN_MODE's bad days at load.
//   GetSupportedDevices   which of the machine's devices this provider can use. A real one takes GPUs; this one takes the first CPU.
//   CreateEp              for each session that asks for one of those devices; here the session's options are read.
//   GetCapability         which nodes of a session's graph it takes; each becomes a fused node of its own.
//   Compile               turns those nodes into functions. A real provider builds its engines here, which may take minutes.
//   Compute               one fused node in one run.
//
// Options of a session (every one may be left out):
//   mode                  error-at-create, hang-at-create, crash-at-create, wrong-numbers; ok is the default.
//   wrong-numbers         results of more than 256 elements are zero. Small graphs are right, as they are with a real miscompilation.
//   build_seconds=X       building the engine of one graph takes so long, for each graph that has no engine in the cache. One node takes no time.
//   engine_cache_path=D   directory of the engines. What is built is written there, if it exists.
//   refuse_corrupt=1      an engine in the cache that is not of this graph, or damaged, fails the session. By default it is built again.
//   fail_after_runs=N     N runs succeed, counted over all sessions with this option; from then on each one fails, as after a lost device.
//   max_batch=N           a node whose first dimension is larger finds no memory.
//   max_batch_from_run=N  max_batch holds from the N-th run of the session on; from the first by default.
//   no_memory_from_run=N  from the N-th run of the session on no node finds memory, whatever its size.
//   fail_at_run=N         the N-th run of the session fails, those before and after it do not.
//   hang_at_run=N         the N-th run of the session never ends. It appends a line to the session's log.
//   log=FILE              each session with this option appends a line.
//   any other             is refused: CreateEp fails and names it.
//
// Environment, read when the library is loaded:
//   LOUPE_STANDIN_MODE    no-device, error-at-start, crash-at-load, hang, crash-at-exit; and those of `mode`, for sessions that do not set it.
//   LOUPE_STANDIN_DEVICES how many devices there are, 0 to 8; 1 by default.
//   LOUPE_STANDIN_LOG     a file: each load, session, built engine and engine from the cache appends a line.
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "onnxruntime_c_api.h"

#define EXPORT __attribute__((visibility("default")))

// Returns from the caller with the status of a failed call.
#define TRY(call)                           \
  do {                                      \
    OrtStatus* status_of_call = (call);     \
    if (status_of_call) return status_of_call; \
  } while (0)

enum { kMaxDevices = 8, kMaxRank = 8, kSmall = 256, kText = 1024 };

static const OrtApi* api;
static const OrtEpApi* ep_api;

typedef struct {
  OrtEpFactory base;
  char name[kText];
} Factory;

typedef struct {
  char mode[32];
  double build_seconds;
  char engine_cache_path[kText];
  bool refuse_corrupt;
  int64_t fail_after_runs;  // -1: never
  int64_t max_batch;        // 0: no limit
  int64_t max_batch_from_run;
  int64_t no_memory_from_run;  // 0: none
  int64_t fail_at_run;         // 0: none
  int64_t hang_at_run;         // 0: none
  char log[kText];
} Options;

typedef struct {
  OrtEp base;
  const Factory* factory;
  Options options;
  atomic_llong runs;
} Provider;

typedef enum { kNeg, kRelu, kSigmoid } Operator;

typedef struct {
  OrtNodeComputeInfo base;
  const Provider* provider;
  Operator op;
} Kernel;

// Runs of all sessions with fail_after_runs: a lost device is lost for the whole process.
static atomic_llong counted_runs;

static OrtStatus* Fail(const char* message) { return api->CreateStatus(ORT_EP_FAIL, message); }

static const char* Environment(const char* name) {
  const char* value = getenv(name);
  return value ? value : "";
}

static void Record(const char* path, const char* what) {
  FILE* file = *path ? fopen(path, "a") : NULL;
  if (file) {
    fprintf(file, "%s %d\n", what, (int)getpid());
    fclose(file);
  }
}

static const char* LogOfProcess(void) { return Environment("LOUPE_STANDIN_LOG"); }

static void Sleep(double seconds) {
  struct timespec left = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
  while (nanosleep(&left, &left) && errno == EINTR) {
  }
}

static void Hang(void) {
  for (;;) pause();
}

// ---- Running

static bool FindOperator(const char* type, Operator* op) {
  static const char* const names[] = {"Neg", "Relu", "Sigmoid"};
  for (int i = 0; i < 3; i++) {
    if (!strcmp(type, names[i])) {
      *op = (Operator)i;
      return true;
    }
  }
  return false;
}

static void ComputeFloats(Operator op, const float* in, float* out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    // NaN goes through Relu, as in ONNX Runtime.
    out[i] = op == kNeg ? -in[i] : op == kRelu ? (in[i] < 0 ? 0.0f : in[i]) : 1.0f / (1.0f + expf(-in[i]));
  }
}

// Neg and Relu of halves need only their sign bit.
static void ComputeHalves(Operator op, const uint16_t* in, uint16_t* out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    bool nan = (in[i] & 0x7fff) > 0x7c00;
    out[i] = op == kNeg ? in[i] ^ 0x8000 : (in[i] & 0x8000) && !nan ? 0 : in[i];
  }
}

static OrtStatus* ORT_API_CALL Compute(OrtNodeComputeInfo* self, void* state, OrtKernelContext* context) {
  (void)state;
  const Kernel* kernel = (const Kernel*)self;
  const Options* options = &kernel->provider->options;
  int64_t run = atomic_load(&kernel->provider->runs);
  if (options->fail_after_runs >= 0 && atomic_load(&counted_runs) > options->fail_after_runs) {
    return Fail("CUDA failure 700: an illegal memory access was encountered ; GPU=0 (stand-in)");
  }
  if (options->fail_at_run == run) return Fail("stand-in: a kernel was refused");
  if (options->hang_at_run == run) {
    Record(options->log, "hang");
    Hang();
  }

  const OrtValue* input;
  TRY(api->KernelContext_GetInput(context, 0, &input));
  OrtTensorTypeAndShapeInfo* info;
  TRY(api->GetTensorTypeAndShape(input, &info));
  ONNXTensorElementDataType type;
  size_t rank, count;
  int64_t shape[kMaxRank];
  OrtStatus* status = api->GetTensorElementType(info, &type);
  if (!status) status = api->GetDimensionsCount(info, &rank);
  if (!status && rank > kMaxRank) status = Fail("stand-in: a tensor has more than 8 dimensions");
  if (!status) status = api->GetDimensions(info, shape, rank);
  if (!status) status = api->GetTensorShapeElementCount(info, &count);
  api->ReleaseTensorTypeAndShapeInfo(info);
  TRY(status);

  size_t size = type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ? sizeof(float) : sizeof(uint16_t);
  bool too_large = options->max_batch > 0 && run >= options->max_batch_from_run && rank > 0 && shape[0] > options->max_batch;
  if (too_large || (options->no_memory_from_run > 0 && run >= options->no_memory_from_run)) {
    char message[kText];
    snprintf(message, sizeof message, "Failed to allocate memory for requested buffer of size %zu", count * size);
    return api->CreateStatus(ORT_RUNTIME_EXCEPTION, message);
  }

  OrtValue* output;
  void* to;
  const void* from;
  TRY(api->KernelContext_GetOutput(context, 0, shape, rank, &output));
  TRY(api->GetTensorMutableData(output, &to));
  TRY(api->GetTensorData(input, &from));
  if (!strcmp(options->mode, "wrong-numbers") && count > kSmall) {
    memset(to, 0, count * size);
  } else if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
    ComputeFloats(kernel->op, from, to, count);
  } else {
    ComputeHalves(kernel->op, from, to, count);
  }
  return NULL;
}

static OrtStatus* ORT_API_CALL CreateState(OrtNodeComputeInfo* self, OrtNodeComputeContext* context, void** state) {
  (void)self, (void)context;
  *state = NULL;
  return NULL;
}

static void ORT_API_CALL ReleaseState(OrtNodeComputeInfo* self, void* state) { (void)self, (void)state; }

static OrtStatus* ORT_API_CALL OnRunStart(OrtEp* self, const OrtRunOptions* run_options) {
  (void)run_options;
  Provider* provider = (Provider*)self;
  atomic_fetch_add(&provider->runs, 1);
  if (provider->options.fail_after_runs >= 0) atomic_fetch_add(&counted_runs, 1);
  return NULL;
}

// ---- Building

// Of the graphs' nodes, for a model's engine to be told from another's.
static OrtStatus* Fingerprint(const OrtGraph** graphs, size_t count, uint64_t* fingerprint) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < count; i++) {
    const OrtNode* node;
    TRY(api->Graph_GetNodes(graphs[i], &node, 1));
    const OrtValueInfo* input;
    TRY(api->Node_GetInputs(node, &input, 1));
    const char* name;
    TRY(api->GetValueInfoName(input, &name));
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 1099511628211u;
  }
  *fingerprint = hash;
  return NULL;
}

// Takes the engine out of the cache, or builds it and puts it there.
static OrtStatus* PrepareEngine(const Options* options, const OrtGraph** graphs, size_t count) {
  if (options->build_seconds <= 0) return NULL;

  uint64_t fingerprint;
  TRY(Fingerprint(graphs, count, &fingerprint));
  char engine[64], path[2 * kText], found[sizeof engine] = "";
  snprintf(engine, sizeof engine, "stand-in engine %016llx\n", (unsigned long long)fingerprint);
  snprintf(path, sizeof path, "%s/standin-%016llx.engine", options->engine_cache_path, (unsigned long long)fingerprint);

  FILE* file = *options->engine_cache_path ? fopen(path, "r") : NULL;
  if (file) {
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    fclose(file);
    if (!strcmp(found, engine)) {
      Record(LogOfProcess(), "engine-from-cache");
      return NULL;
    }
    if (options->refuse_corrupt) {
      char message[3 * kText];
      snprintf(message, sizeof message, "stand-in: %s is not an engine for this graph", path);
      return Fail(message);
    }
  }

  if (count > 1) Sleep(options->build_seconds);
  Record(LogOfProcess(), "engine-built");
  file = *options->engine_cache_path ? fopen(path, "w") : NULL;
  if (file) {
    fputs(engine, file);
    fclose(file);
  }
  return NULL;
}

static OrtStatus* ORT_API_CALL Compile(OrtEp* self, const OrtGraph** graphs, const OrtNode** fused_nodes, size_t count,
                                       OrtNodeComputeInfo** kernels, OrtNode** context_nodes) {
  (void)fused_nodes, (void)context_nodes;
  const Provider* provider = (const Provider*)self;
  TRY(PrepareEngine(&provider->options, graphs, count));
  for (size_t i = 0; i < count; i++) {
    const OrtNode* node;
    const char* type;
    TRY(api->Graph_GetNodes(graphs[i], &node, 1));
    TRY(api->Node_GetOperatorType(node, &type));
    Kernel* kernel = calloc(1, sizeof *kernel);
    if (!kernel || !FindOperator(type, &kernel->op)) {
      free(kernel);
      return Fail("stand-in: cannot compile a node");
    }
    kernel->base = (OrtNodeComputeInfo){ORT_API_VERSION, CreateState, Compute, ReleaseState};
    kernel->provider = provider;
    kernels[i] = &kernel->base;
  }
  return NULL;
}

static void ORT_API_CALL ReleaseKernels(OrtEp* self, OrtNodeComputeInfo** kernels, size_t count) {
  (void)self;
  for (size_t i = 0; i < count; i++) free(kernels[i]);
}

// Whether this provider can compute the node.
static OrtStatus* Takes(const OrtNode* node, bool* takes) {
  *takes = false;
  const char *domain, *type;
  Operator op;
  TRY(api->Node_GetDomain(node, &domain));
  TRY(api->Node_GetOperatorType(node, &type));
  if (*domain || !FindOperator(type, &op)) return NULL;

  const OrtValueInfo* input;
  const OrtTypeInfo* type_info;
  const OrtTensorTypeAndShapeInfo* tensor;
  ONNXTensorElementDataType element;
  TRY(api->Node_GetInputs(node, &input, 1));
  TRY(api->GetValueInfoTypeInfo(input, &type_info));
  TRY(api->CastTypeInfoToTensorInfo(type_info, &tensor));
  if (!tensor) return NULL;
  TRY(api->GetTensorElementType(tensor, &element));
  *takes = element == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT || (element == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 && op != kSigmoid);
  return NULL;
}

static OrtStatus* ORT_API_CALL GetCapability(OrtEp* self, const OrtGraph* graph, OrtEpGraphSupportInfo* support) {
  (void)self;
  size_t count;
  TRY(api->Graph_GetNumNodes(graph, &count));
  const OrtNode** nodes = calloc(count + 1, sizeof *nodes);
  if (!nodes) return Fail("stand-in: no memory");
  OrtStatus* status = api->Graph_GetNodes(graph, nodes, count);
  for (size_t i = 0; i < count && !status; i++) {
    bool takes;
    status = Takes(nodes[i], &takes);
    if (!status && takes) status = ep_api->EpGraphSupportInfo_AddNodesToFuse(support, &nodes[i], 1, NULL);
  }
  free(nodes);
  return status;
}

// ---- A session's provider

static const char* ORT_API_CALL ProviderName(const OrtEp* self) { return ((const Provider*)self)->factory->name; }

static OrtStatus* Read(Options* options, const char* name, const char* value) {
  char* end = NULL;
  if (!strcmp(name, "mode")) {
    static const char* const modes[] = {"ok", "error-at-create", "hang-at-create", "crash-at-create", "wrong-numbers"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
      if (!strcmp(value, modes[i])) {
        strcpy(options->mode, value);
        return NULL;
      }
    }
  } else if (!strcmp(name, "engine_cache_path") || !strcmp(name, "log")) {
    char* path = *name == 'l' ? options->log : options->engine_cache_path;
    if ((size_t)snprintf(path, kText, "%s", value) < kText) return NULL;
  } else if (!strcmp(name, "build_seconds")) {
    options->build_seconds = strtod(value, &end);
  } else if (!strcmp(name, "refuse_corrupt")) {
    options->refuse_corrupt = strtoll(value, &end, 10) != 0;
  } else if (!strcmp(name, "fail_after_runs")) {
    options->fail_after_runs = strtoll(value, &end, 10);
  } else if (!strcmp(name, "max_batch")) {
    options->max_batch = strtoll(value, &end, 10);
  } else if (!strcmp(name, "max_batch_from_run")) {
    options->max_batch_from_run = strtoll(value, &end, 10);
  } else if (!strcmp(name, "fail_at_run")) {
    options->fail_at_run = strtoll(value, &end, 10);
  } else if (!strcmp(name, "no_memory_from_run")) {
    options->no_memory_from_run = strtoll(value, &end, 10);
  } else if (!strcmp(name, "hang_at_run")) {
    options->hang_at_run = strtoll(value, &end, 10);
  } else if (strcmp(name, "device_id")) {
    char message[kText];
    snprintf(message, sizeof message, "stand-in: there is no option %s", name);
    return Fail(message);
  } else {
    return NULL;
  }
  if (end && end != value && !*end) return NULL;
  char message[kText];
  snprintf(message, sizeof message, "stand-in: %s cannot be %s", name, value);
  return Fail(message);
}

// ONNX Runtime keeps a provider's options among the session's, as ep.NAME.OPTION with the name in lower case.
static OrtStatus* ReadAll(Options* options, const Factory* factory, const OrtSessionOptions* session) {
  char prefix[kText + 8];
  snprintf(prefix, sizeof prefix, "ep.%s.", factory->name);
  for (char* c = prefix; *c; c++) {
    if (*c >= 'A' && *c <= 'Z') *c += 'a' - 'A';
  }

  OrtKeyValuePairs* entries;
  TRY(api->GetSessionOptionsConfigEntries(session, &entries));
  const char *const *keys, *const *values;
  size_t count;
  api->GetKeyValuePairs(entries, &keys, &values, &count);
  OrtStatus* status = NULL;
  for (size_t i = 0; i < count && !status; i++) {
    if (!strncmp(keys[i], prefix, strlen(prefix))) status = Read(options, keys[i] + strlen(prefix), values[i]);
  }
  api->ReleaseKeyValuePairs(entries);
  return status;
}

static OrtStatus* ORT_API_CALL CreateEp(OrtEpFactory* self, const OrtHardwareDevice* const* devices, const OrtKeyValuePairs* const* metadata,
                                        size_t device_count, const OrtSessionOptions* session, const OrtLogger* logger, OrtEp** created) {
  (void)devices, (void)metadata, (void)device_count, (void)logger;
  Options options = {.mode = "ok", .fail_after_runs = -1};
  const char* mode = Environment("LOUPE_STANDIN_MODE");
  if (*mode && strcmp(mode, "crash-at-exit")) TRY(Read(&options, "mode", mode));
  TRY(ReadAll(&options, (Factory*)self, session));
  Record(LogOfProcess(), "session");
  Record(options.log, "session");
  if (!strcmp(options.mode, "error-at-create")) return Fail("stand-in: the device is held by another process");
  if (!strcmp(options.mode, "hang-at-create")) Hang();
  if (!strcmp(options.mode, "crash-at-create")) abort();

  Provider* provider = calloc(1, sizeof *provider);
  if (!provider) return Fail("stand-in: no memory");
  provider->factory = (Factory*)self;
  provider->options = options;
  provider->base.ort_version_supported = ORT_API_VERSION;
  provider->base.GetName = ProviderName;
  provider->base.GetCapability = GetCapability;
  provider->base.Compile = Compile;
  provider->base.ReleaseNodeComputeInfos = ReleaseKernels;
  provider->base.OnRunStart = OnRunStart;
  *created = &provider->base;
  return NULL;
}

static void ORT_API_CALL ReleaseEp(OrtEpFactory* self, OrtEp* ep) {
  (void)self;
  free(ep);
}

// ---- The library

static const char* ORT_API_CALL FactoryName(const OrtEpFactory* self) { return ((const Factory*)self)->name; }
static const char* ORT_API_CALL FactoryVendor(const OrtEpFactory* self) { return (void)self, "LoupeGrpc tests"; }
static const char* ORT_API_CALL FactoryVersion(const OrtEpFactory* self) { return (void)self, "1.0.0"; }
static uint32_t ORT_API_CALL FactoryVendorId(const OrtEpFactory* self) { return (void)self, 0; }
static bool ORT_API_CALL IsStreamAware(const OrtEpFactory* self) { return (void)self, false; }

static OrtStatus* ORT_API_CALL GetSupportedDevices(OrtEpFactory* self, const OrtHardwareDevice* const* devices, size_t count,
                                                   OrtEpDevice** usable, size_t max, size_t* usable_count) {
  *usable_count = 0;
  const char* wanted = Environment("LOUPE_STANDIN_DEVICES");
  size_t number = *wanted ? strtoul(wanted, NULL, 10) : 1;
  if (!strcmp(Environment("LOUPE_STANDIN_MODE"), "no-device")) number = 0;
  for (size_t i = 0; i < count; i++) {
    if (api->HardwareDevice_Type(devices[i]) != OrtHardwareDeviceType_CPU) continue;
    for (size_t n = 0; n < number && n < kMaxDevices && n < max; n++) {
      char name[32];
      snprintf(name, sizeof name, "Stand-in %zu", n);
      OrtKeyValuePairs* metadata;
      api->CreateKeyValuePairs(&metadata);
      api->AddKeyValuePair(metadata, "device_name", name);
      OrtStatus* status = ep_api->CreateEpDevice(self, devices[i], metadata, NULL, &usable[n]);
      api->ReleaseKeyValuePairs(metadata);
      TRY(status);
      *usable_count = n + 1;
    }
    return NULL;
  }
  return NULL;
}

// ONNX Runtime calls these three without asking whether they are there. No allocator and no data transfer: the tensors lie in the CPU's memory.
static OrtStatus* ORT_API_CALL CreateAllocator(OrtEpFactory* self, const OrtMemoryInfo* info, const OrtKeyValuePairs* options, OrtAllocator** allocator) {
  (void)self, (void)info, (void)options;
  *allocator = NULL;
  return NULL;
}

static void ORT_API_CALL ReleaseAllocator(OrtEpFactory* self, OrtAllocator* allocator) { (void)self, (void)allocator; }

static OrtStatus* ORT_API_CALL CreateDataTransfer(OrtEpFactory* self, OrtDataTransferImpl** transfer) {
  (void)self;
  *transfer = NULL;
  return NULL;
}

EXPORT OrtStatus* CreateEpFactories(const char* registered_name, const OrtApiBase* base, const OrtLogger* logger, OrtEpFactory** factories, size_t max,
                                    size_t* count) {
  (void)logger;
  const char* mode = Environment("LOUPE_STANDIN_MODE");
  Record(LogOfProcess(), "load");
  if (!strcmp(mode, "crash-at-load")) {
    // In colour, as some libraries do.
    fputs("\033[31mstand-in: the device does not answer\033[m\n", stderr);
    abort();
  }
  if (!strcmp(mode, "hang")) Hang();

  api = base->GetApi(ORT_API_VERSION);
  if (!api) return base->GetApi(1)->CreateStatus(ORT_EP_FAIL, "stand-in: ONNX Runtime is older than this library");
  ep_api = api->GetEpApi();
  if (!strcmp(mode, "error-at-start")) {
    // Where programs expect answers, and without an end of line.
    fputs("stand-in: loading", stdout);
    fflush(stdout);
    return Fail("stand-in: driver and library do not fit together");
  }

  Factory* factory = max > 0 ? calloc(1, sizeof *factory) : NULL;
  if (!factory) return Fail("stand-in: no room for a factory");
  // Under the name it was registered with, so that copies of the library do not clash.
  snprintf(factory->name, sizeof factory->name, "%s", registered_name);
  factory->base.ort_version_supported = ORT_API_VERSION;
  factory->base.GetName = FactoryName;
  factory->base.GetVendor = FactoryVendor;
  factory->base.GetVersion = FactoryVersion;
  factory->base.GetVendorId = FactoryVendorId;
  factory->base.GetSupportedDevices = GetSupportedDevices;
  factory->base.CreateEp = CreateEp;
  factory->base.ReleaseEp = ReleaseEp;
  factory->base.CreateAllocator = CreateAllocator;
  factory->base.ReleaseAllocator = ReleaseAllocator;
  factory->base.CreateDataTransfer = CreateDataTransfer;
  factory->base.IsStreamAware = IsStreamAware;
  factories[0] = &factory->base;
  *count = 1;
  return NULL;
}

// ONNX Runtime loads a library, looks at it and unloads it, before it loads it for good: api is not set then.
__attribute__((destructor)) static void Unload(void) {
  if (api && !strcmp(Environment("LOUPE_STANDIN_MODE"), "crash-at-exit")) abort();
}

EXPORT OrtStatus* ReleaseEpFactory(OrtEpFactory* factory) {
  free(factory);
  return NULL;
}
