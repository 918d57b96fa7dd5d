/*
 * Time of MPI's own allReduce of f32, blocking, as bench/parallel.ts times ours: 200 rounds behind a barrier, minimum and median in us.
 *
 * mpicc -O2 bench/peers/allreduce.c -o allreduce && mpirun -n 2 ./allreduce 1 1024 65536 1200000
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { rounds = 200 };

static int ascending(const void *a, const void *b) {
  const double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

int main(int count, char **arguments) {
  int rank;
  MPI_Init(&count, &arguments);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (int i = 1; i < count; i++) {
    const int elements = atoi(arguments[i]);
    float *from = calloc(elements, sizeof(float)), *to = calloc(elements, sizeof(float));
    double times[rounds];
    for (int round = 0; round < rounds; round++) {
      MPI_Barrier(MPI_COMM_WORLD);
      const double begun = MPI_Wtime();
      MPI_Allreduce(from, to, elements, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      times[round] = 1e6 * (MPI_Wtime() - begun);
    }
    qsort(times, rounds, sizeof(double), ascending);
    if (rank == 0) printf("%d %.1f %.1f\n", elements, times[0], times[rounds / 2]);
    free(from);
    free(to);
  }
  MPI_Finalize();
  return 0;
}
