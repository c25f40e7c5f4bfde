// Exit status 0 if this processor can run code of the level that the argument names.
#include "python/processor.h"

int main(int count, char** arguments) {
    return count == 2 && neuralpaint::missing_features(neuralpaint::level_features(arguments[1])).empty() ? 0 : 1;
}
