# To be sourced. Chooses the package of ONNX Runtime by what the machine has, unless LoupeOrt says it already, and says which. MSBuild reads LoupeOrt.
if [[ -z ${LoupeOrt:-} ]]; then
  if [[ -e /dev/nvidiactl || $(/sbin/ldconfig -p) == *libcuda.so.1* ]]; then
    LoupeOrt=gpu
    echo "ONNX Runtime: the gpu package, because there is an NVIDIA driver (LoupeOrt=cpu takes the other)" >&2
  else
    LoupeOrt=cpu
    echo "ONNX Runtime: the cpu package, because there is no NVIDIA driver (LoupeOrt=gpu takes the other)" >&2
  fi
fi
export LoupeOrt
