// What every program on the board has: the vectors and the way to main().
int main() {}
