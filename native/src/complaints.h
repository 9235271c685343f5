#ifndef LOUPE_NATIVE_SRC_COMPLAINTS_H_
#define LOUPE_NATIVE_SRC_COMPLAINTS_H_

namespace loupe {

// See loupe_complaints_install and its siblings in loupe_decoding.h.
void InstallComplaints();
void BeginComplaints();
void EndComplaints(char* complaint);

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_COMPLAINTS_H_
