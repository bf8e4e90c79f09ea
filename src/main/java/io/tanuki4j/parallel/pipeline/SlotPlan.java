package io.tanuki4j.parallel.pipeline;

import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The slot of activation memory in which each forward leaves what its backward needs: the lowest
 * one that is free. A pure function of the actions, so that a slot sees the same units, at the same
 * addresses, in every iteration.
 */
public final class SlotPlan {
  private final Map<ChunkPass, Integer> slots = new HashMap<>();
  private int numSlots;

  private SlotPlan(List<Action> actions) {
    List<ChunkPass> units = units(actions);
    Set<ChunkPass> withBackward = new HashSet<>();
    units.stream()
        .filter(ChunkPass::endsMicrobatch)
        .map(ChunkPass::ofForward)
        .forEach(withBackward::add);
    BitSet inUse = new BitSet();
    for (ChunkPass unit : units) {
      if (unit.isForward()) {
        int slot = inUse.nextClearBit(0);
        slots.put(unit, slot);
        inUse.set(slot, withBackward.contains(unit));
        numSlots = Math.max(numSlots, slot + 1);
      } else if (unit.endsMicrobatch()) {
        inUse.clear(slotOf(unit));
      }
    }
  }

  /**
   * @param actions of one stage
   */
  public static SlotPlan of(List<Action> actions) {
    return new SlotPlan(actions);
  }

  /** Returns the number of slots: the most activations alive at once. */
  public int numSlots() {
    return numSlots;
  }

  /** Returns the slot of a unit of the actions, from 0. */
  public int slotOf(ChunkPass unit) {
    Integer slot = slots.get(unit.ofForward());
    if (slot == null) {
      throw new IllegalStateException(unit + " is not in the schedule");
    }
    return slot;
  }

  @Override
  public String toString() {
    return numSlots + " slots for " + slots.size() + " forwards";
  }

  private static List<ChunkPass> units(List<Action> actions) {
    return actions.stream().flatMap(action -> action.units().stream()).toList();
  }
}
