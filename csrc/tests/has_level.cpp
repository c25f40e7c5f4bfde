// Exit status 0 if this processor can run code of the level LEVEL.
#include "python/processor.h"

int main() { return neuralpaint::missing_features(neuralpaint::level_features(LEVEL)).empty() ? 0 : 1; }
